import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Step } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { createSealer } from "@stackyard/core/services";
import { type FileProvider, startFileProvider } from "@stackyard/tf-provider";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toInventoryKey } from "../state/inventory.ts";
import { aContext } from "../testing/a-context.ts";
import { aProject, type TestProject } from "../testing/a-project.ts";
import { hasTerraform } from "../testing/program.ts";
import { runnerEnvironment } from "../testing/runner-environment.ts";
import { startStateServer } from "../testing/state-server.ts";

/** One run of a module; `DIR`, `STACK` and `LAST` in texts are the project, the stack and the last saved plan. */
interface ModuleRun {
  /** The folder that becomes `module`. Default: `module` */
  readonly module?: string;
  /** Files of the module that Git would leave out. */
  readonly files?: Readonly<Record<string, string>>;
  readonly stack?: string;
  readonly metadata?: Readonly<Record<string, string | null>>;
  readonly config?: Readonly<Record<string, unknown>>;
  /** Files of the provider that something else changes before. */
  readonly change?: Readonly<Record<string, string>>;
  /** True to delete the states of the yard before. */
  readonly loseState?: boolean;
  /** Files of the project that are removed before. */
  readonly lose?: readonly string[];
  readonly step: Readonly<Record<string, unknown>>;
  /** Parts of the failure's message. */
  readonly message?: readonly string[];
  /** Parts of the log, and what neither the log nor the message may contain. */
  readonly log?: readonly string[];
  readonly notLog?: readonly string[];
  readonly states?: number;
  readonly stateKeys?: readonly string[];
  readonly inventory?: Readonly<Record<string, unknown>>;
}

interface ModuleCase {
  readonly about: string;
  readonly reports?: readonly string[];
  readonly runs: readonly ModuleRun[];
}

const root = join(import.meta.dirname, "../../fixtures/modules");
const cases = readdirSync(root).map((name): [string, ModuleCase] => {
  return [name, JSON.parse(readFileSync(join(root, name, "case.json"), "utf8"))];
});

describe.skipIf(!hasTerraform())("habits of real modules", () => {
  const sealer = createSealer([randomBytes(32)]);
  let home: TestProject;
  let provider: FileProvider;

  beforeAll(async () => {
    home = aProject();
    provider = await startFileProvider({ folder: join(home.dir, "files") });
  });
  afterAll(() => {
    provider.stop();
    home.remove();
  });

  it.concurrent.for(cases)("%s", async ([name, { about, reports = [], runs }], { onTestFinished }) => {
    const server = await startStateServer();
    const { records } = createMemoryStore();
    const project = aProject({}, { environment: { ...runnerEnvironment(), ...provider.environment } });
    onTestFinished(async () => {
      await server.close();
      project.remove();
    });
    let last = "";

    for (const [index, run] of runs.entries()) {
      const { stack = "pr-1", metadata = {}, config = {}, module = "module" } = run;
      const fill = createFill({ DIR: project.dir, STACK: stack, LAST: last });
      place(join(root, name, module), join(project.dir, "module"), project.dir);
      changeWorld(run, { files: join(home.dir, "files"), dir: project.dir, states: server.states, fill });
      const attempt = { id: `${stack}/e1/${index + 1}/network/1`, number: 1, token: 7 };
      const ctx = aContext({ stateBackendUrl: server.url, records, sealer, metadata, stackId: stack, attempt });
      const source = { type: "local", location: "module" } as const;

      const step = await project.start(
        ctx,
        { source, ...fill(config) },
        { passEnvironment: ["TF_REATTACH_PROVIDERS"] },
      );

      const inventory = (await records.get(toInventoryKey(`review-app/${stack}/local/module`), 0))?.value;
      const what = [`run ${index + 1} of ${name}: ${about}`, ...reports, ...ctx.lines].join("\n");
      const states = [...server.states.keys()];
      expectStep(run, { step, lines: ctx.lines, wanted: fill(run.step), what, states, inventory });
      last = toPlan(step) ?? last;
    }
  });
});

interface World {
  readonly files: string;
  readonly dir: string;
  readonly states: Map<string, string>;
  readonly fill: (text: string) => string;
}

/** Does what happens outside before a run. */
function changeWorld(run: ModuleRun, { files, dir, states, fill }: World): void {
  const { change = {}, loseState, lose = [] } = run;
  for (const [file, text] of Object.entries(run.files ?? {})) {
    mkdirSync(dirname(join(dir, "module", file)), { recursive: true });
    writeFileSync(join(dir, "module", file), text);
  }
  for (const [file, text] of Object.entries(change)) writeFileSync(join(files, file), text);
  if (loseState) states.clear();
  for (const file of lose) rmSync(join(dir, fill(file)));
}

function createFill(values: Readonly<Record<string, string>>) {
  return <T>(value: T): T => {
    const text = Object.entries(values).reduce(
      (filled, [name, each]) => filled.replaceAll(name, each),
      JSON.stringify(value),
    );
    return JSON.parse(text);
  };
}

function toPlan(step: Step): string | undefined {
  const { plan }: { readonly plan?: unknown } = step.kind === "succeeded" ? { ...(step.outputs ?? {}) } : {};
  return typeof plan === "string" ? plan : undefined;
}

interface RunResult {
  readonly step: Step;
  readonly lines: readonly string[];
  readonly wanted: ModuleRun["step"];
  readonly what: string;
  readonly states: readonly string[];
  readonly inventory: unknown;
}

function expectStep(run: ModuleRun, { step, lines, wanted, what, states, inventory }: RunResult): void {
  const text = step.kind === "failed" ? step.message : "";
  expect(step, `${what}\n${text}`).toMatchObject(wanted);
  for (const part of run.message ?? []) expect(text, what).toContain(part);
  for (const part of run.log ?? []) expect(lines.join("\n"), what).toContain(part);
  for (const part of run.notLog ?? []) expect([...lines, text].join("\n"), what).not.toContain(part);
  expect(states, what).toHaveLength(run.states ?? states.length);
  expect(states, what).toEqual(run.stateKeys ?? states);
  if (run.inventory !== undefined) expect(inventory, what).toMatchObject(run.inventory);
}

/** Copies a folder of a case in place of the module, with the project's folder in its texts. */
function place(from: string, to: string, dir: string): void {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
  for (const entry of readdirSync(to, { recursive: true, withFileTypes: true }).filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    writeFileSync(path, readFileSync(path, "utf8").replaceAll("DIR", dir));
  }
}
