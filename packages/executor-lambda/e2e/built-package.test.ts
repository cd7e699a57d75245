import { join } from "node:path";
import { createLambdaExecutor } from "@stackyard/executor-lambda";
import { expect, it } from "vitest";
import { aContext } from "../src/testing/a-context.ts";

// The programs that functions run in are separate files in the built package. Tests of the sources cannot detect a missing one.
const projectDir = join(import.meta.dirname, "../fixtures");
const executor = createLambdaExecutor(
  { functions: { node: "common.cjs", python: "fn.py" }, mode: "local" },
  { projectDir },
);

it.each(["node", "python"])("the built package runs a local %s function", async (name) => {
  expect(await executor.start(aContext(), { name } as never)).toMatchObject({ kind: "succeeded" });
});
