import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCalendar } from "./calendar.ts";
import { evaluateHours, isOpen } from "./calendar-hours.ts";

const OFFICE = `version: 1
zone: Europe/Berlin
open:
  - { days: mon-thu, from: "09:00", to: "16:00" }
  - { days: "fri, sun", from: "22:00", to: "02:00" }
closed:
  - { dates: [2026-12-20, 2027-01-06] }
  - { dates: [2026-05-01] }
`;

/** Returns the problems as `line path code: message`. */
function listProblems(source: string): readonly string[] {
  const parsed = parseCalendar(source);
  if (parsed.kind === "calendar") return [];
  return parsed.problems.map(({ line, path, code, message }) => `${line} ${path} ${code}: ${message}`);
}

function parse(source: string) {
  const parsed = parseCalendar(source);
  if (parsed.kind === "calendar") return parsed.calendar;
  throw new Error(JSON.stringify(parsed.problems));
}

describe("parseCalendar", () => {
  it("reads zone, windows and closed dates", () => {
    expect(parse(OFFICE)).toEqual({
      zone: { name: "Europe/Berlin" },
      open: [
        { days: new Set([1, 2, 3, 4]), from: 540, to: 960 },
        { days: new Set([5, 7]), from: 1_320, to: 1_560 },
      ],
      closed: [
        { first: "2026-05-01", last: "2026-05-01" },
        { first: "2026-12-20", last: "2027-01-06" },
      ],
    });
  });

  it("reads times and dates without quotes as texts, and ranges of days over the end of the week", () => {
    const { zone, open } = parse(
      "version: 1\nzone: UTC\nopen: [{ days: sat-mon, from: 09:00, to: 09:30 }]\nclosed: [{ dates: [2028-02-29] }]",
    );

    expect({ zone, open }).toEqual({
      zone: { name: "UTC" },
      open: [{ days: new Set([6, 7, 1]), from: 540, to: 570 }],
    });
  });

  it("reads the zone of each stack from its metadata", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder of calendars
    const { zone } = parse(OFFICE.replace("Europe/Berlin", '"${stack.metadata.zone}"'));

    expect(zone).toEqual({ metadata: "zone" });
  });

  it.each([
    ["2027-02-29", "5 closed.0.dates.0 unknown-date: The date 2027-02-29 does not exist. Correct it, or remove it."],
    ["2100-02-29", "5 closed.0.dates.0 unknown-date: The date 2100-02-29 does not exist. Correct it, or remove it."],
    ["2026-04-31", "5 closed.0.dates.0 unknown-date: The date 2026-04-31 does not exist. Correct it, or remove it."],
    ["2026-13-01", "5 closed.0.dates.0 unknown-date: The date 2026-13-01 does not exist. Correct it, or remove it."],
    [
      "2026-12-24, 2026-12-20",
      "5 closed.0.dates invalid-range: 2026-12-20 is before 2026-12-24. Write the first date first.",
    ],
    ["24.12.2026", "5 closed.0.dates.0 invalid-value: closed.0.dates.0 must be a date such as 2026-12-24."],
  ])("refuses the closed dates [%s] with line and advice", (dates, problem) => {
    const source = `version: 1\nzone: UTC\nopen: [{ days: mon, from: "09:00", to: "10:00" }]\nclosed:\n  - { dates: [${dates}] }`;

    expect(listProblems(source)).toEqual([problem]);
  });

  it.each([
    ["Europe/Berlim", 'Unknown time zone "Europe/Berlim".'],
    ['"+02:00"', 'Unknown time zone "+02:00".'],
    ['"2020-01-01T00:00[Europe/Berlin]"', 'Unknown time zone "2020-01-01T00:00[Europe/Berlin]".'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: another placeholder
    ['"${metadata.zone}"', 'Unknown time zone "${metadata.zone}".'],
  ])("refuses the zone %s", (zone, message) => {
    const source = `version: 1\nzone: ${zone}\nopen: [{ days: mon, from: "09:00", to: "10:00" }]`;

    expect(listProblems(source)).toEqual([
      `2 zone unknown-zone: ${message} Use a name such as Europe/Berlin, or "\${stack.metadata.zone}".`,
    ]);
  });

  it("names every fault of a document at its line", () => {
    expect(
      listProblems(
        'version: 2\nzone: UTC\nopen:\n  - { days: moon, from: "25:00", to: "24:00", every: week }\nclose: []',
      ),
    ).toEqual([
      "1 version invalid-value: version must be 1.",
      '4 open.0.days invalid-value: open.0.days must be days such as "mon-thu" or "mon, wed-fri".',
      '4 open.0.from invalid-value: open.0.from must be a time from "00:00" to "23:59"; "00:00" as "to" is the end of the day.',
      '4 open.0.to invalid-value: open.0.to must be a time from "00:00" to "23:59"; "00:00" as "to" is the end of the day.',
      '4 open.0.every unknown-key: Unknown key "every". Known: "days", "from", "to".',
      '5 close unknown-key: Unknown key "close". Did you mean "closed"?',
    ]);
  });

  it("refuses a calendar that is never open, a second document and a bomb of aliases", () => {
    const bomb = `a: &a [x]\n${"bcdefghijklmnopqrst".replace(/./g, (key, index) => {
      const before = "abcdefghijklmnopqrst"[index];
      return `${key}: &${key} [*${before}, *${before}, *${before}, *${before}]\n`;
    })}`;

    expect(listProblems("version: 1\nzone: UTC\nopen: []")).toHaveLength(1);
    expect(listProblems(`${OFFICE}---\n${OFFICE}`)).toHaveLength(1);
    expect(listProblems(bomb).join()).toContain("limit-exceeded");
    expect(listProblems(`#${"x".repeat(300_000)}`).join()).toContain("limit-exceeded");
  });

  it("never throws, and decides every calendar that it reads", () => {
    const part = fc.constantFrom(
      ...'version: 1|zone: UTC|open: [|{ days: mon-sun|, from: "00:00"|, to: "23:59" }|]|closed: [|{ dates: [2026-01-01] }|\n|&a|*a|<<: *a|- |? |9999-12-31|0000-01-01|!!set|\'|#'.split(
        "|",
      ),
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string({ maxLength: 5 })), { maxLength: 30 }), (parts) => {
        const parsed = parseCalendar(parts.join(""));
        if (parsed.kind === "invalid") expect(parsed.problems.length).toBeGreaterThan(0);
        else evaluateHours(parsed.calendar, "UTC", 0);
      }),
    );
  });
});

describe("evaluateHours", () => {
  const at = (text: string) => Date.parse(text);
  const office = parse(OFFICE);

  it("returns when it opens next, past the end of a closed range", () => {
    expect(evaluateHours(office, "Europe/Berlin", at("2026-12-18T23:30:00Z"))).toEqual({
      isOpen: true,
      changesAt: at("2026-12-19T01:00:00Z"),
    });
    expect(evaluateHours(office, "Europe/Berlin", at("2026-12-19T12:00:00Z"))).toEqual({
      isOpen: false,
      changesAt: at("2027-01-07T08:00:00Z"),
    });
  });

  it("ends a window at the midnight of a closed date, and begins none on it", () => {
    // Thursday, 30 April to Saturday, 2 May: Friday is closed.
    expect(isOpen(office, "Europe/Berlin", at("2026-05-01T20:30:00Z"))).toBe(false);
    expect(isOpen(office, "Europe/Berlin", at("2026-05-01T23:30:00Z"))).toBe(false);
  });

  it("is exact to the minute: open from its first, closed from its last", () => {
    const minutes = ["08:59", "09:00", "15:59", "16:00"].map((time) => at(`2026-11-26T${time}:00Z`));

    expect(minutes.map((each) => isOpen(office, "UTC", each))).toEqual([false, true, true, false]);
  });

  it("is closed both times that an hour is shown, and open from the end of a skipped hour", () => {
    const night = parse('version: 1\nzone: UTC\nopen: [{ days: mon-sun, from: "01:30", to: "03:30" }]');
    const changes = (from: string, to: string) => {
      const found: string[] = [];
      for (let next: number | undefined = at(from); next !== undefined; ) {
        next = evaluateHours(night, "Europe/Berlin", next).changesAt;
        if (next === undefined || next >= at(to)) break;
        found.push(new Date(next).toISOString().slice(0, 16));
      }
      return found;
    };

    expect(changes("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z")).toEqual([
      "2026-10-24T23:30",
      "2026-10-25T00:00",
      "2026-10-25T02:00",
      "2026-10-25T02:30",
    ]);
    expect(changes("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z")).toEqual(["2026-03-29T00:30", "2026-03-29T01:30"]);
  });

  it("has no window on the date that Samoa skipped", () => {
    const friday = parse(
      'version: 1\nzone: UTC\nopen: [{ days: fri, from: "00:00", to: "06:00" }, { days: fri, from: "20:00", to: "04:00" }]',
    );

    expect(evaluateHours(friday, "Pacific/Apia", at("2011-12-29T12:00:00Z"))).toEqual({
      isOpen: false,
      changesAt: at("2012-01-05T10:00:00Z"),
    });
  });

  it("finds the next clock change also where it is more than a year away: 371 days", () => {
    const always = parse('version: 1\nzone: UTC\nopen: [{ days: mon-sun, from: "00:00", to: "00:00" }]');

    expect(evaluateHours(always, "America/New_York", at("2015-11-01T08:00:00Z"))).toEqual({
      isOpen: true,
      changesAt: at("2016-11-06T05:00:00Z"),
    });
  });

  it("says that nothing changes where that is so", () => {
    const always = parse('version: 1\nzone: UTC\nopen: [{ days: mon-sun, from: "00:00", to: "00:00" }]');
    const closed = parse(
      'version: 1\nzone: UTC\nopen: [{ days: mon, from: "00:00", to: "01:00" }]\nclosed: [{ dates: [2000-01-01, 9999-12-31] }]',
    );

    expect(evaluateHours(always, "UTC", at("2026-11-26T00:00:00Z"))).toEqual({ isOpen: true });
    expect(evaluateHours(closed, "UTC", at("9998-01-01T00:00:00Z")).isOpen).toBe(false);
  });
});
