import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLogMask, createLogMasks } from "./log-mask.ts";
import type { StreamLine } from "./stream-mask.ts";

const SECRET = "p@ss'w \"rd$1/ü<&>{x}!";
const PEM = [
  "-----BEGIN PRIVATE KEY-----",
  ...["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw", "ggSjAgEAAoIBAQC7VJTUt9Us8cKjMzEfYyji", "WA4R4/M2bS1GB4t7NXp9"],
  "-----END PRIVATE KEY-----",
].join("\n");

const base64 = (text: string) => Buffer.from(text).toString("base64");
const hex = (text: string) => Buffer.from(text).toString("hex");
const wrap = (text: string, columns: number): string[] =>
  text.split("\n").flatMap((line) => line.match(new RegExp(`.{1,${columns}}`, "gu")) ?? [""]);

function maskStream(secrets: readonly string[], lines: readonly (string | StreamLine)[]): string[] {
  const stream = createLogMasks(secrets).stream();
  const given = lines.map((line) => (typeof line === "string" ? { text: line } : line));
  return [...given.flatMap((line) => stream.push(line)), ...stream.flush()];
}

describe("a mask for a stream", () => {
  // As `fold`, `base64 -w` and `xxd -p -c` split it. [azure-pipelines-agent#2793]
  it.each([
    ["plain", SECRET],
    ["JSON", JSON.stringify(SECRET).slice(1, -1)],
    ["base64", base64(SECRET)],
    ["hex", hex(SECRET)],
    ["percent-encoded", encodeURIComponent(SECRET)],
    ["quoted for a shell", SECRET.replaceAll("'", "'\\''")],
  ])("masks %s in pieces of any size", (_name, form) => {
    for (const columns of [1, 2, 3, 5, 6, 7, 8, 10, 16, form.length - 1]) {
      const masked = maskStream([SECRET], ["before", ...wrap(form, columns), "after"]);

      expect(masked.filter((line) => !["***", ""].includes(line.trim()))).toEqual(["before", "after"]);
    }
  });

  it("masks a secret wherever a longer text is split", () => {
    const secret = "hunter22-abc";
    for (let columns = 4; columns < 30; columns += 1) {
      const texts = [`password=${secret}; next`, `{"user":"a","password":"${secret}"}`];
      for (const text of texts) {
        const masked = maskStream([secret], wrap(text, columns)).join("");
        expect(masked.replace(/(\*\*\*)+/, "#")).toBe(text.replace(secret, "#"));
      }
    }
  });

  it("masks base64 of a longer text, also its last short piece", () => {
    const secret = "correct-horse-battery-staple-0123456789-abc";
    for (const columns of [20, 60, 64, 76]) {
      const lines = wrap(base64(`x: ${"y".repeat(40)}${secret} and the rest of it`), columns);
      const text = maskStream([secret], lines).join("");
      expect(Buffer.from(text.replaceAll("***", ""), "base64").toString()).not.toMatch(/correct|horse|0123|-abc/);
    }
  });

  it("masks a key whose lines come one by one, with indentation, a frame or another width", () => {
    const lines = PEM.split("\n");
    const ways = [
      lines,
      lines.map((line) => `    ${line}\r`),
      lines.map((line) => `│ ${line}`),
      wrap(PEM, 10),
      wrap(lines.join(""), 17),
    ];
    for (const way of ways) {
      const text = maskStream([PEM], ["the key:", ...way, "end"]).join("\n");
      expect(text).not.toMatch(/MII|Key|KEY|BEGIN|bS1G|Xp9|A4R4/);
      expect(text).toMatch(/^the key:\n[\s\S]*\nend$/);
    }
  });

  it("joins the pieces of each resource, whatever is between them, and keeps the order of lines", () => {
    const from = (name: string, text: string): StreamLine => {
      const prefix = `terraform_data.${name} (local-exec): `;
      return { text: prefix + text, prefix: prefix.length, channel: name };
    };

    const masked = maskStream(
      ["hunter22-abc", "0123456789"],
      [
        from("a", "is hunter"),
        from("b", "01234"),
        "terraform_data.c: creating…",
        from("a", "22-abc!"),
        from("b", "56789"),
      ],
    );

    expect(masked).toEqual([
      "terraform_data.a (local-exec): is ***",
      "terraform_data.b (local-exec): ***",
      "terraform_data.c: creating…",
      "terraform_data.a (local-exec): ***!",
      "terraform_data.b (local-exec): ***",
    ]);
  });

  it("holds back only what may be the beginning of a secret, and shows it when it is not", () => {
    const stream = createLogMasks(["hunter22-abc"]).stream();

    expect(stream.push({ text: "nothing" })).toEqual(["nothing"]);
    expect(stream.push({ text: "the hunter" })).toEqual([]);
    expect(stream.isHolding()).toBe(true);
    expect(stream.push({ text: "shoots" })).toEqual(["the hunter", "shoots"]);
    expect(stream.isHolding()).toBe(false);
  });

  it("hides a beginning of 8 characters when nothing more comes, and the rest when it comes later", () => {
    const stream = createLogMasks(["hunter22-abcdef"]).stream();

    expect([stream.push({ text: "is hunter22-a" }), stream.flush()]).toEqual([[], ["is ***"]]);
    expect([stream.push({ text: "bcdef and" }), stream.flush()]).toEqual([["*** and"], []]);
    expect([stream.push({ text: "is hunt" }), stream.flush()]).toEqual([[], ["is hunt"]]);
    expect([stream.push({ text: "er22-abcdef" }), stream.flush()]).toEqual([["***"], []]);
  });

  it("masks secrets that overlap, and one in each piece of the other", () => {
    expect(maskStream(["abcdefghij", "fghijklmno"], ["abcdef", "ghijkl", "mno"])).toEqual(["***", "***", "***"]);
    expect(maskStream(["one-secret", "two-secret"], ["one-sec", "ret two-secret two", "-secret"])).toEqual([
      "***",
      "*** *** ***",
      "***",
    ]);
  });

  it("masks single lines as the mask of texts does, and leaves other lines alone", () => {
    const lines = ["a hunter22-abc b", `${base64("hunter22-abc")}`, "", "  indented", "hunter", "abc", "12 34 56"];
    const mask = createLogMask(["hunter22-abc", "1234"]);

    expect(maskStream(["hunter22-abc", "1234"], lines)).toEqual(lines.map((line) => mask(line)));
    expect(maskStream([], lines)).toEqual(lines);
  });

  it("never shows a split secret, and never changes the number of lines", () => {
    const secret = fc.stringMatching(/^[a-zA-Z0-9+/=_.-]{8,40}$/);
    const around = fc.stringMatching(/^[G-Z ]{0,20}$/);
    fc.assert(
      fc.property(secret, around, around, fc.integer({ min: 1, max: 30 }), (text, before, after, columns) => {
        for (const form of [text, base64(text), hex(text)]) {
          const lines = wrap(before + form + after, columns);
          const masked = maskStream([text], lines);
          expect(masked).toHaveLength(lines.length);
          expect(masked.join("")).not.toContain(form);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("takes time in proportion to the stream", () => {
    const stream = createLogMasks(["a".repeat(4000), PEM, `${"ab".repeat(300)}c`]).stream();
    const started = performance.now();

    for (let line = 0; line < 20_000; line += 1) stream.push({ text: "ab".repeat(30) });

    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe("a mask for texts", () => {
  it("masks what is split over its lines", () => {
    const mask = createLogMask(["hunter22-abc", PEM]);

    expect(mask("error: hunter2\n2-abc is\nwrong")).toBe("error: *** is\nwrong");
    expect(mask(`key: ${PEM}\nend`)).toBe("key: ***\nend");
    expect(mask(wrap(base64(PEM), 64).join("\n"))).toBe("***");
    expect(mask("a\n\n b\r\nc\n")).toBe("a\n\n b\r\nc\n");
  });
});

describe("secrets that are added", () => {
  it("are masked in texts and in a stream that has begun", () => {
    const masks = createLogMasks(["first-secret"]);
    const stream = masks.stream();
    masks.add(["second-secret"]);

    expect(masks.text("first-secret second-secret")).toBe("*** ***");
    const lines = [...stream.push({ text: "a second-secret" }), ...stream.flush()];
    expect(lines.join()).not.toContain("second-secret");
    const later = masks.stream();
    expect(
      [...later.push({ text: "second-" }), ...later.push({ text: "secret" }), ...later.flush()].join(),
    ).not.toContain("second-");
  });
});
