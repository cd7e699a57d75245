import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";

/** An error's name that is compared where it is caught. As a key of `instead`, or in `passing`, it is data. */
const COMPARED = [
  /\berror\.name [!=]== "(?!(?:Abort|Timeout|Type|Syntax|Range)?Error")/,
  /\/\.test\(error\.name\)|\.(?:has|includes)\(error\.name\)/,
  /findAwsFault\(\w+\)\.name(?: [!=]==|\?\.| \?\? "")/,
];

/** Files that compare names all the same, and why no policy says it. */
const KNOWN: Readonly<Record<string, string>> = {
  "packages/cli/src/adopt/state-source.ts":
    "reads states of Terraform by a client of its own, in any S3-compatible store",
  "packages/consumer/src/function/resources/bucket-settings.ts":
    "each setting of a bucket that is missing has a name of its own",
  "packages/deployment/src/published-objects.ts": "a write that was refused is looked up before it is judged",
  "packages/executor-asg/src/deploy/launch.ts": "a name that is taken is adopted between the tries of a new role",
  "packages/executor-asg/src/deploy/observe.ts": "classic load balancers name an instance that they do not know",
  "packages/executor-ecs/src/start-tasks.ts": "a conflict lists the tasks that the token has started",
  "packages/executor-ecs/src/task-order.ts": "the text of a refusal chooses the code",
  "packages/executor-runcommand/src/fleet/lifecycle-action.ts":
    "an action that is over is a ValidationError of any text",
};

it("errors of AWS are judged in one place: elsewhere calls state what they mean", () => {
  const files = globSync(["packages/*/src/**/*.ts", "apps/*/src/**/*.ts"], { cwd: repositoryRoot });
  // The SDK for clients and the store stand without the package of AWS access.
  const apart = /^packages\/(?:aws|sdk|store-dynamodb)\/|\.test\.ts$|\/testing\/|\/dist\//;
  const sources = files
    .filter((file) => !apart.test(file))
    .map((file) => ({ file, text: readFileSync(join(repositoryRoot, file), "utf8") }))
    .filter(({ text }) => /from "@(?:aws-sdk|stackyard\/aws)|import\("@aws-sdk/.test(text));
  const comparing = sources.filter(({ text }) => COMPARED.some((pattern) => pattern.test(text)));

  expect(sources.length).toBeGreaterThan(100);
  expect(comparing.map(({ file }) => file).sort()).toEqual(Object.keys(KNOWN).sort());
  expect(sources.filter(({ text }) => /function callAws\b/.test(text)).map(({ file }) => file)).toEqual([]);
});
