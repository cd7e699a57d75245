import { describe, expect, it } from "vitest";
import { changingWeather, commonWeathers, failingWeather } from "./common-weathers.ts";
import { exploreWeather } from "./explore.ts";
import { INVARIANTS, type WeatherInvariant } from "./invariants.ts";
import { repeatWeather } from "./repeat-weather.ts";
import type { Ending, PlantedBug, Sky, Story, Weather } from "./story.ts";
import { createToyStory, type ToyBug } from "./toy-story.ts";
import { weatherCases } from "./weather-cases.ts";

const WEATHERS: readonly Weather[] = [
  ...commonWeathers,
  failingWeather({ name: "throttled", source: "a test", error: () => new Error("throttled") }),
  failingWeather({ name: "denied", source: "a test", error: () => new Error("denied") }),
  changingWeather({
    name: "missing",
    source: "a test",
    fits: ({ operation }) => operation === "Kitchen.List",
    change: (answer) => (answer as readonly unknown[]).slice(1),
  }),
];

interface Planted {
  readonly bug: ToyBug;
  readonly invariant: WeatherInvariant;
  readonly weather: string;
  readonly isSpilled?: boolean;
}

const BUGS: readonly Planted[] = [
  { bug: "a token for each try", invariant: "once", weather: "reset after at Kitchen.Start" },
  { bug: "not shown is not begun", invariant: "once", weather: "missing at Kitchen.List" },
  { bug: "not shown is stopped", invariant: "in work", weather: "missing at Kitchen.List" },
  { bug: "denied is stopped", invariant: "in work", weather: "denied at Kitchen.List" },
  { bug: "an error is the end", invariant: "true", weather: "throttled at Kitchen.List" },
  { bug: "the limit before the look", invariant: "true", weather: "away 70 min at look.kettle" },
  { bug: "an error is thrown", invariant: "ends", weather: "throttled at Kitchen.List" },
  { bug: "not shown is forgotten", invariant: "ends", weather: "missing at Kitchen.List" },
  { bug: "a lost answer is given up", invariant: "left", weather: "reset after at Kitchen.Start" },
  { bug: "removed once", invariant: "left", weather: "throttled at Kitchen.Remove" },
  { bug: "the first of the list is mine", invariant: "foreign", weather: "missing at Kitchen.List" },
  { bug: "the label is mine", invariant: "foreign", weather: "missing at Kitchen.List" },
  {
    bug: "an old receipt counts",
    invariant: "views",
    weather: "twice at delivery.receipt after look.cup",
    isSpilled: true,
  },
  {
    bug: "a late receipt does not count",
    invariant: "views",
    weather: "late at delivery.receipt after look.cup",
  },
];

/** Works without the test runner's own listeners, which fail the whole run. */
async function withoutOthers<Result>(work: () => Promise<Result>): Promise<Result> {
  const rejections = process.listeners("unhandledRejection");
  const exceptions = process.listeners("uncaughtException");
  process.removeAllListeners("unhandledRejection");
  process.removeAllListeners("uncaughtException");
  try {
    return await work();
  } finally {
    for (const each of rejections) process.on("unhandledRejection", each);
    for (const each of exceptions) process.on("uncaughtException", each);
  }
}

const explore = (story: Story) => exploreWeather(story, WEATHERS, { moments: "sampled" });

describe("exploreWeather", () => {
  it.each([false, true])(
    "finds nothing in a program that keeps its promises; tea is spilled: %s",
    async (isSpilled) => {
      const report = await explore(createToyStory({ isSpilled }));

      expect(report.findings).toEqual([]);
      expect(report.runs).toBeGreaterThan(20);
    },
  );

  it.each(BUGS)("finds the bug “$bug” by “$invariant”", async ({ bug, invariant, weather, isSpilled = false }) => {
    const { findings } = await explore(createToyStory({ bug, isSpilled }));

    expect(findings.map((finding) => `${finding.place}: ${finding.invariant}`)).toContain(`${weather}: ${invariant}`);
  });

  it("has two planted bugs for each invariant", () => {
    const counts = Object.keys(INVARIANTS).map((name) => BUGS.filter(({ invariant }) => invariant === name).length);

    expect(new Set(counts)).toEqual(new Set([2]));
  });

  it("counts the runs that are left out, and those of decisions", async () => {
    const reason = "Kettles are cheap.";
    const story = {
      ...createToyStory({ bug: "a token for each try" }),
      decisions: [{ finding: /^reset after at Kitchen.Start: /, reason }],
    };

    const all = await exploreWeather(story, WEATHERS, { moments: "all" });
    const some = await exploreWeather(story, WEATHERS, { moments: "all", maxRuns: 10 });

    expect(all).toMatchObject({ leftOut: 0, findings: [], decided: { [reason]: 2 } });
    expect(some).toMatchObject({ runs: 11, leftOut: all.runs - 11 });
  });

  it("repeats a run with the weather of a name that fits its moment", async () => {
    const others: Weather = { name: "throttled", source: "another service", fits: () => false, meet: async () => 1 };
    const run = { at: "Kitchen.Start#1", weather: "throttled" };

    expect((await repeatWeather(createToyStory(), [others, ...WEATHERS], run)).breaches).toEqual([]);
  });

  it("repeats one run of a finding", async () => {
    const story = createToyStory({ bug: "a token for each try" });

    const { breaches, ending } = await repeatWeather(story, WEATHERS, {
      at: "Kitchen.Start#1",
      weather: "reset after",
    });

    expect(breaches).toContainEqual({ invariant: "once", sentence: "kettle began 2 times" });
    expect(ending).toMatchObject({ verdict: "succeeded", begun: { kettle: 2 } });
  });

  it("repeats one run with two weathers, and prints both", async () => {
    const run = {
      at: "Kitchen.List#1",
      weather: "throttled",
      beside: { at: "Kitchen.Start#1", weather: "reset after" },
    };
    const story = createToyStory({ bug: "a token for each try" });
    const [test] = weatherCases([story], WEATHERS, { WEATHER: JSON.stringify(run) });
    const lines: string[] = [];

    const playing = test?.run((text) => void lines.push(text));

    await expect(playing).rejects.toThrow('run Kitchen.List#1 "throttled" and Kitchen.Start#1 "reset after": once: ');
    expect(lines.filter((line) => line.includes(" <- "))).toEqual([
      expect.stringMatching(/^Kitchen.(List|Start)#1 .* <- /),
      expect.stringMatching(/^Kitchen.(List|Start)#1 .* <- /),
    ]);
  });

  it.each([
    [{ at: "Kitchen.Start#1", weather: "reset aftr" }, /^Unknown weather "reset aftr"\. Did you mean "reset after"\?/],
    [
      { at: "Kitchen.Strat#1", weather: "reset after" },
      /^Unknown moment "Kitchen\.Strat#1"\. Did you mean "Kitchen\.Start#1"\? Valid: Kitchen\.Start#1\.$/,
    ],
    [{ at: "Kitchen.Boil#1", weather: "reset after" }, /Valid: Kitchen\.Start#1, look\.kettle#1, Kitchen\.List#1, /],
    [
      { at: "Kitchen.Start#1", weather: "missing" },
      /^"missing" does not fit Kitchen\.Start#1\. Weathers that do: reset before, reset after, throttled, denied\.$/,
    ],
    [
      { at: "delivery.receipt#1", weather: "late", after: "look.cap" },
      /^Unknown operation "look\.cap" after delivery\.receipt#1\. Did you mean "look\.cup"\?/,
    ],
  ])("rejects %j, and names what is near", async (run, message) => {
    await expect(repeatWeather(createToyStory(), WEATHERS, run)).rejects.toThrow(message);
  });

  it.each([
    ["a rejection", async () => void Promise.reject(new Error("left alone"))],
    ["an exception", async () => void setImmediate(() => JSON.parse("{"))],
  ])("names the run of %s that nothing handles", async (_, leave) => {
    const toy = createToyStory();
    const story: Story = {
      ...toy,
      async play(sky) {
        const meet: Sky["meet"] = (operation, ...rest) =>
          sky.meet(operation, ...rest).catch(async (error: unknown) => {
            if (operation === "Kitchen.Start" && String(error).includes("throttled")) await leave();
            throw error;
          });
        return toy.play({ ...sky, meet });
      },
    };

    const { findings } = await withoutOthers(() => explore(story));

    expect(findings.map(({ run, invariant }) => ({ run, invariant }))).toEqual([
      { run: '"Kitchen.Start#1" "throttled"', invariant: "ends" },
    ]);
    expect(findings[0]?.sentence).toMatch(/^unhandled: (Error: left alone|SyntaxError: )/);
  });

  it("plays two weathers in one run", async () => {
    const report = await exploreWeather(createToyStory(), WEATHERS, { moments: "pairs", maxRuns: 20 });

    expect(report).toMatchObject({ runs: 21, findings: [] });
    expect(report.leftOut).toBeGreaterThan(1_000);
  });

  it("keeps the decision about one weather when there are two in a run", async () => {
    const toy = createToyStory({ bug: "a token for each try" });
    const reason = "The kettle is its own.";
    const scope = { moments: "pairs", maxRuns: 200 } as const;
    const decision = { finding: /^reset after at Kitchen\.Start: once: kettle began 2 times$/, reason };

    const { findings } = await exploreWeather(toy, WEATHERS, scope);
    const decided = await exploreWeather({ ...toy, decisions: [decision] }, WEATHERS, scope);

    const ofDecision = findings.filter(({ place, sentence }) => {
      return place.includes("reset after at Kitchen.Start") && sentence === "kettle began 2 times";
    });
    expect(ofDecision.length).toBeGreaterThan(0);
    expect(decided.decided).toEqual({ [reason]: ofDecision.length });
    expect(decided.findings).toHaveLength(findings.length - ofDecision.length);
  });

  it("keeps the decision about two weathers out of a run with one", async () => {
    const toy = createToyStory({ bug: "a token for each try" });
    const reason = "Two tries meet.";
    const finding = /reset after at Kitchen\.Start\b.*: once: /;
    const story: Story = { ...toy, decisions: [{ finding, isOfPairs: true, reason }] };

    const single = await exploreWeather(story, WEATHERS, { moments: "all" });
    const pairs = await exploreWeather(story, WEATHERS, { moments: "pairs", maxRuns: 200 });

    expect([single.decided, pairs.decided]).toEqual([{}, { [reason]: expect.any(Number) }]);
  });

  it("begins no run after its time, and counts what is left out", async () => {
    const report = await exploreWeather(createToyStory(), WEATHERS, { moments: "all", maxMs: 0 });

    expect(report.runs).toBe(1);
    expect(report.leftOut).toBeGreaterThan(20);
  });

  it("rejects a story that fails in fair weather, and one that is not deterministic", async () => {
    const fair: Ending = {
      verdict: "succeeded",
      truth: "succeeded",
      said: "",
      begun: {},
      ended: [],
      left: [],
      foreign: [],
      views: {},
    };
    let plays = 0;
    const changing: Story = {
      name: "changing",
      async play(sky) {
        plays += 1;
        if (plays <= 2) await sky.meet("A.Call", {}, async () => undefined);
        return fair;
      },
    };
    const wrong: Story = { name: "wrong", play: async () => ({ ...fair, truth: "failed" }) };

    await expect(explore(wrong)).rejects.toThrow(
      "wrong fails in fair weather: true: the verdict is succeeded, the truth is failed",
    );
    expect((await explore(changing)).findings[0]).toMatchObject({
      invariant: "ends",
      sentence: "The planned moment did not come: the story is not deterministic.",
    });
  });
});

describe("weatherCases", () => {
  it("lists the moments of a story, the weathers that fit them, and their sources", async () => {
    const lines: string[] = [];

    for (const { run } of weatherCases([createToyStory()], WEATHERS, { WEATHER: "list" }))
      await run((line) => lines.push(...line.split("\n")));

    expect(lines[0]).toMatch(/^tea: \d+ moments in fair weather$/);
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}Kitchen\.Start#1: .*throttled/));
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}reset before: RFC 9293/));
  });

  it("finds a planted bug in its run", async () => {
    const { play } = createToyStory({ bug: "a token for each try" });
    const run = { at: "Kitchen.Start#1", weather: "reset after" };
    const guarded = (planted: Partial<PlantedBug>): Story => {
      return { ...createToyStory(), planted: [{ bug: "a token for each try", invariant: "once", play, ...planted }] };
    };
    const guardOf = (planted: Partial<PlantedBug>) => weatherCases([guarded(planted)], WEATHERS, {})[1];

    await guardOf({ run })?.run(() => {});
    await expect(guardOf({})?.run(() => {})).rejects.toThrow("tea does not find “a token for each try” by “once”.");
  });

  it("fails for a story that no planted bug guards", async () => {
    const [, guard] = weatherCases([createToyStory()], WEATHERS, {});

    await expect(guard?.run(() => {})).rejects.toThrow("tea has no planted bug.");
  });
});
