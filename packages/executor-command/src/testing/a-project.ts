import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Step } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { createExecutorContext, type TestContextInput, type TestExecutorContext } from "@stackyard/core/testing";
import { createCommandExecutor } from "../command.ts";
import { ALLOW_ALL, type CommandConfig, type CommandOptions } from "../definition.ts";

/** Where tests find the programs of the system. */
export const PROGRAMS = "/usr/local/bin:/usr/bin:/bin";

/** A project in a folder of its own, whose programs are texts for the shell. */
export interface TestProject {
  readonly folder: string;
  read(name: string): string;
  /** Runs a task as a worker does. */
  start(config: CommandConfig, given?: Started): Promise<Step>;
}

interface Started {
  readonly options?: CommandOptions;
  readonly ctx?: TestExecutorContext;
}

/** Creates a project with programs by their names. The caller removes it. */
export function aProject(programs: Readonly<Record<string, string>> = {}): TestProject & { remove(): void } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "command-test-")));
  for (const [name, text] of Object.entries(programs)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, 0o755);
  }
  return {
    folder,
    read: (name) => readFileSync(join(folder, name), "utf8"),
    start(config, { options = ALLOW_ALL, ctx = aContext() } = {}) {
      const deps = {
        projectDir: folder,
        environment: { PATH: PROGRAMS, HOME: folder, SECRET: "of the yard" },
      };
      return createCommandExecutor(options, deps).start(ctx, config as never);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Returns a context in real time. */
export function aContext(given: TestContextInput = {}): TestExecutorContext {
  const ctx = createExecutorContext({ attempt: { id: "s1/created/1/work/1", number: 1, token: 1 }, ...given });
  return { ...ctx, clock: { ...ctx.clock, now: systemClock.now, sleep: systemClock.sleep }, reports: ctx.reports };
}
