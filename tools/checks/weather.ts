import { spawnSync } from "node:child_process";
import { repositoryRoot } from "./published-packages.ts";
import { listPaths } from "./read-repository.ts";

// `npm run weather`: plays all runs of every story; with a story, only its runs; with a moment and a weather, one run and its steps:
// npm run weather -- ecs-task-exit-0 "ECS.DescribeTasks#2" missing

const [story, at, weather, after] = process.argv.slice(2);
if (at !== undefined && weather === undefined) throw new Error("Pass a weather too: STORY MOMENT WEATHER [AFTER].");
const files = listPaths(repositoryRoot).filter((path) => path.endsWith("weather.promise.test.ts"));
const { status } = spawnSync(
  "npx",
  ["vitest", "run", "--project", "unit", ...files, ...(story === undefined ? [] : ["-t", `${story}$`])],
  {
    cwd: repositoryRoot,
    stdio: "inherit",
    env: { ...process.env, WEATHER: at === undefined ? "all" : JSON.stringify({ at, weather, after }) },
  },
);
process.exitCode = status ?? 1;
