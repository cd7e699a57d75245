import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openTemp } from "./execute.ts";
import { repositoryRoot } from "./published-packages.ts";
import { listPaths } from "./read-repository.ts";
import type { VitestReport } from "./test-summary.ts";

// `npm run weather`: plays all runs of every story; with a story, only its runs; with a moment and a weather, one run and its steps.

const USAGE = `Plays stories in every weather.

  npm run weather                               every run of every story
  npm run weather -- STORY                      every run of a story
  npm run weather -- STORY AT WEATHER [AFTER]   one run, with each of its moments:
  npm run weather -- ecs-task-exit-0 "ECS.DescribeTasks#2" missing
  npm run weather -- STORY all WEATHER          every run of a story with the weathers whose names begin so`;

/** A story's own case ends its name; those of its planted bugs and reports go on. */
function playStories(env: Readonly<Record<string, string>>, story: string | undefined): number {
  const calls = (path: string) => readFileSync(join(repositoryRoot, path), "utf8").includes("of weatherCases(");
  const files = listPaths(repositoryRoot).filter((path) => path.endsWith(".test.ts") && calls(path));
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

const [story, at, weather, after] = process.argv.slice(2);
if (story?.startsWith("-") || (at !== undefined && weather === undefined)) {
  console.error(USAGE);
  process.exitCode = 64;
} else {
  process.exitCode = playStories({ WEATHER: at === undefined ? "all" : JSON.stringify({ at, weather, after }) }, story);
}
