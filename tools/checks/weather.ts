import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openTemp } from "./execute.ts";
import { repositoryRoot } from "./published-packages.ts";
import { listPaths } from "./read-repository.ts";
import type { VitestReport } from "./test-summary.ts";

// `npm run weather`: plays all runs of every story; with a story, only its runs; with a moment and a weather, one run and its steps.

const USAGE = `Plays stories in every weather.

  npm run weather                               every run of every story
  npm run weather -- STORY                      every run of a story
  npm run weather -- STORY list                 its moments, the weathers that fit each, and their sources
  npm run weather -- STORY AT WEATHER [AFTER]   one run, with each of its moments:
  npm run weather -- ecs-task-exit-0 "ECS.DescribeTasks#2" missing
  npm run weather -- STORY AT WEATHER and AT WEATHER
                                                one run with two weathers
  npm run weather -- STORY all WEATHER          every run of a story with the weathers whose names begin so`;

/** A story's own case ends its name; those of its planted bugs and reports continue. */
function playStories(env: Readonly<Record<string, string>>, story: string | undefined): number {
  const paths = listPaths(repositoryRoot);
  const contains = (path: string, text: string) => readFileSync(join(repositoryRoot, path), "utf8").includes(text);
  const all = paths.filter((path) => path.endsWith(".test.ts") && contains(path, "of weatherCases("));
  // To load one package takes a second, all of them ten.
  const own = all.filter((file) =>
    paths.some((path) => path.startsWith(`${dirname(file)}/`) && path.endsWith(".ts") && contains(path, `"${story}"`)),
  );
  const files = own.length > 0 ? own : all;
  const report = join(openTemp(), "weather.json");
  const { status } = spawnSync(
    "npx",
    [
      ...["vitest", "run", "--project", "unit", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
      ...files,
      ...(story === undefined ? [] : ["-t", ` ${story.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`]),
    ],
    { cwd: repositoryRoot, stdio: "inherit", env: { ...process.env, ...env } },
  );
  if (!existsSync(report)) return status ?? 1;
  const { testResults = [] }: VitestReport = JSON.parse(readFileSync(report, "utf8"));
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  if (story === undefined || tests.length === 0 || tests.some(({ status }) => /passed|failed/.test(status)))
    return status ?? 1;
  const names = tests.map(({ title = "" }) => title).filter((title) => !title.includes(" "));
  const near = names.filter((name) => name.startsWith(story.slice(0, 3)));
  console.error(`Unknown story "${story}". Valid stories: ${(near.length > 0 ? near : names).join(", ")}.`);
  return 64;
}

const [story, ...words] = process.argv.slice(2);
const cut = words.indexOf("and");
const [at, weather, after] = cut < 0 ? words : words.slice(0, cut);
const [besideAt, besideWeather] = cut < 0 ? [] : words.slice(cut + 1);
const isUnfinished =
  (at !== undefined && at !== "list" && weather === undefined) || (cut >= 0 && besideWeather === undefined);
if (story?.startsWith("-") || isUnfinished) {
  console.error(USAGE);
  process.exitCode = 64;
} else {
  const chosen =
    weather === undefined
      ? (at ?? "all")
      : JSON.stringify({ at, weather, after, ...(cut >= 0 && { beside: { at: besideAt, weather: besideWeather } }) });
  process.exitCode = playStories({ WEATHER: chosen }, story);
}
