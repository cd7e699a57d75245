import { describe, expect, it } from "vitest";
import { decideNotification, matchRules, mayMatch, type RuleRecord, type Subject } from "./decide-notifications.ts";
import { AT, aDocument, aSubject } from "./testing/builders.ts";
import { toNoticeSubject } from "./to-subject.ts";

const HOUR = 3_600_000;
const LEAKED = `name: leaked, when: "entry.to == 'LEAKED'", to: [team]`;

function rulesOf(...rules: readonly string[]) {
  return aDocument(rules.map((rule) => `  - { ${rule} }\n`).join("")).rules;
}

/** Plays lines against one rule, and returns when what is sent is due; undefined: nothing is sent. */
function play(rule: string, subjects: readonly Subject[]) {
  const rules = rulesOf(rule);
  const records = new Map<string, RuleRecord>();
  return subjects.map((subject) => {
    const [match] = matchRules(rules, subject).matches;
    if (match === undefined) return "no match";
    const { send, record } = decideNotification(match, match.key === undefined ? undefined : records.get(match.key));
    if (match.key !== undefined && record !== undefined) records.set(match.key, record);
    return send && { ...send, kind: match.kind };
  });
}

const dueOf = (played: ReturnType<typeof play>) =>
  played.map((each) => (typeof each === "object" ? each.dueAt - AT : each));

describe("a rule", () => {
  it("is about lines for which its condition is true, and has default texts", () => {
    const { matches, failures } = matchRules(
      rulesOf(LEAKED, `name: other, when: "entry.to == 'GONE'", to: [team]`),
      aSubject(),
    );

    expect(failures).toEqual([]);
    expect(matches).toMatchObject([
      { rule: { name: "leaked" }, kind: "trigger", title: "shop-pr-7: FAILED, CLEAN-UP → LEAKED", isUrgent: false },
    ]);
  });

  it("knows a line that enters a state from one that does not", () => {
    const rule = `name: leaked, when: "entry.entered && entry.to == 'LEAKED'", to: [team]`;
    const subjects = [aSubject(), aSubject({ from: "LEAKED" }), aSubject({ outcome: "refused" })];

    expect(play(rule, subjects).map((each) => each === "no match")).toEqual([false, true, true]);
  });

  it("shows no sensitive value", () => {
    const subject = aSubject({ metadata: { password: { $secret: "password#1" } } });
    const rule = `${LEAKED}, title: "\${entry.metadata.password}"`;

    expect(matchRules(rulesOf(rule), subject).matches[0]?.title).toBe("***");
  });

  it("that fails is not about the line, and a text that fails is replaced; both are reported", () => {
    const rules = rulesOf(`name: cost, when: "metadata.cost > 5", to: [team]`, `${LEAKED}, title: "\${metadata.url}"`);

    const { matches, failures } = matchRules(rules, aSubject());

    expect(matches).toMatchObject([{ rule: { name: "leaked" }, title: "shop-pr-7: FAILED, CLEAN-UP → LEAKED" }]);
    expect(failures.map(({ path }) => path)).toEqual(["rules.cost.when", "rules.leaked.title"]);
  });

  it("about notices sees them only", () => {
    const rules = rulesOf(LEAKED, `name: letters, when: "notice.data.queue == 'hooks'", to: [team]`);
    const notice = {
      id: "n1",
      kind: "dead-letter",
      key: "k",
      title: "Dead",
      text: "Why",
      at: AT,
      data: { queue: "hooks" },
    };

    expect(matchRules(rules, toNoticeSubject({ ...notice, position: 1 }, AT)).matches).toMatchObject([
      { rule: { name: "letters" }, title: "Dead" },
    ]);
  });

  it("without need of the stack is ruled out before it is loaded", () => {
    expect(mayMatch(rulesOf(LEAKED), aSubject({ to: "LIVE" }))).toBe(false);
    expect(mayMatch(rulesOf(LEAKED), aSubject())).toBe(true);
    expect(mayMatch(rulesOf(`name: a, when: "stack.machine == 'x'", to: [team]`), aSubject({ to: "LIVE" }))).toBe(true);
  });
});

describe("the decision about a match", () => {
  it("sends at once, once within the time of dedupe for each key", () => {
    const rule = `${LEAKED}, dedupe: { key: "\${stack.id}", for: 1h }`;
    const subjects = [
      aSubject(),
      aSubject({ position: 2, at: AT + HOUR - 1 }),
      aSubject({ position: 3, at: AT + HOUR - 1, stackId: "other" }),
      aSubject({ position: 4, at: AT + HOUR }),
    ];

    expect(dueOf(play(rule, subjects))).toEqual([0, undefined, HOUR - 1, HOUR]);
  });

  it("is not sent again for a line that is read again", () => {
    const rule = `${LEAKED}, dedupe: { key: "\${stack.id}", for: 1h }`;
    const [first, again] = play(rule, [aSubject(), aSubject()]);

    expect([first !== undefined, again]).toEqual([true, undefined]);
  });

  it("collects for a digest until the end of its window", () => {
    const rule = `${LEAKED}, digest: { every: 1h }`;
    const at = AT + 10 * 60_000;

    expect(play(rule, [aSubject({ at })])).toEqual([
      { kind: "trigger", incident: `1.${at}`, dueAt: AT + HOUR, isDigest: true },
    ]);
  });

  it("waits for the end of quiet hours, unless it is urgent", () => {
    const quiet = `quiet: { from: "12:00", to: "14:00", zone: UTC }`;

    expect(play(`${LEAKED}, ${quiet}`, [aSubject()])).toMatchObject([{ dueAt: AT + 2 * HOUR, isDigest: true }]);
    expect(play(`${LEAKED}, ${quiet}, urgent: true`, [aSubject()])).toMatchObject([{ dueAt: AT, isDigest: false }]);
    expect(play(`${LEAKED}, ${quiet}, urgent: "entry.event == 'FAILED'"`, [aSubject()])).toMatchObject([{ dueAt: AT }]);
    expect(play(`${LEAKED}, ${quiet}, digest: { every: 90m }`, [aSubject()])).toMatchObject([{ dueAt: AT + 2 * HOUR }]);
  });

  it("resolves what it triggered, once, and triggers anew afterwards", () => {
    const rule = `${LEAKED}, resolve: "entry.to == 'GONE'", dedupe: { key: "\${entry.stackId}", for: 1h }`;
    const gone = (position: number) => aSubject({ position, to: "GONE", at: AT + position });

    const played = play(rule, [
      gone(1),
      aSubject({ position: 2 }),
      gone(3),
      gone(3),
      gone(4),
      aSubject({ position: 5 }),
    ]);

    const sent = played.map((each) => (typeof each === "object" ? `${each.kind} ${each.incident}` : each));
    const incident = `2.${AT}`;
    expect(sent).toEqual([
      undefined,
      `trigger ${incident}`,
      `resolve ${incident}`,
      undefined,
      undefined,
      `trigger 5.${AT}`,
    ]);
  });

  it("sends one trigger within the time of dedupe, also when it is resolved in between", () => {
    const rule = `${LEAKED}, resolve: "entry.to == 'GONE'", dedupe: { key: "\${stack.id}", for: 1h }`;
    const minute = 60_000;
    const line = (position: number, to: string) => aSubject({ position, to, at: AT + position * minute });
    const course = ["LEAKED", "GONE", "LEAKED", "GONE", "LEAKED"].map((to, index) => line(index + 1, to));

    const played = play(rule, [...course, line(70, "GONE"), line(71, "LEAKED")]);

    expect(dueOf(played).map((each) => (typeof each === "number" ? each / minute : each))).toEqual([
      ...[1, 2, 61, 4, 61],
      ...[70, 121],
    ]);
  });

  it("ends what is open about a stack that is removed, whatever the rule says of the line", () => {
    const rule = `${LEAKED}, resolve: "entry.entered && entry.from == 'LEAKED'"`;
    const removal = aSubject({ position: 2, outcome: "removed", from: "LEAKED", to: "LEAKED", event: "REMOVE_STACK" });

    const played = play(`${rule.replace("entry.to ==", "entry.outcome == 'applied' && entry.to ==")}`, [
      aSubject(),
      removal,
    ]);

    expect(played).toMatchObject([{ kind: "trigger" }, { kind: "resolve", incident: `1.${AT}` }]);
  });

  it("keeps the incident while it is open", () => {
    const rule = `${LEAKED}, resolve: "entry.to == 'GONE'"`;

    const played = play(rule, [aSubject(), aSubject({ position: 2, at: AT + HOUR })]);

    expect(played).toMatchObject([{ incident: `1.${AT}` }, { incident: `1.${AT}` }]);
  });
});
