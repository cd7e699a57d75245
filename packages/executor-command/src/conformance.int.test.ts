// @module-tag adapter
import { createMemoryStore } from "@stackyard/core/engine";
import { type ExecutorUnderTest, executorConformance } from "@stackyard/core/testing";
import { afterAll, describe, it } from "vitest";
import { createCommandExecutor } from "./command.ts";
import { ALLOW_ALL } from "./definition.ts";
import { aProject, PROGRAMS } from "./testing/a-project.ts";

describe("command as an executor", () => {
  const endings: (() => void)[] = [];
  const create = async (): Promise<ExecutorUnderTest> => {
    const project = aProject();
    endings.push(project.remove);
    const deps = { projectDir: project.folder, environment: { PATH: PROGRAMS } };
    return {
      executor: createCommandExecutor(ALLOW_ALL, deps),
      restart: () => createCommandExecutor(ALLOW_ALL, deps),
      config: { run: "echo made >> made; echo made=true > $STACKYARD_OUTPUTS", shell: true },
      invalidConfig: { run: [] },
      context: { records: createMemoryStore().records },
      countWork: () => project.read("made").trim().split("\n").length,
    };
  };
  afterAll(() => {
    for (const end of endings) end();
  });

  for (const promise of executorConformance) it(promise.name, () => promise.run(create));
});
