import { existsSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import {
  defineExecutor,
  type Executor,
  type ExecutorContext,
  isMap,
  type Plan,
  parseJson,
  StackyardError,
  type Step,
  succeeded,
} from "@stackyard/core";
import {
  type TerraformConfig,
  type TerraformOptions,
  type TerraformOutputs,
  terraformDefinition,
} from "./definition.ts";
import { TerraformFailure } from "./failure.ts";
import { type TerraformDeps, toSettings } from "./settings.ts";
import { type StagedRun, withStagedRun } from "./staged-run.ts";
import { callStream, callTerraform, type StreamEnd, type StreamOutput, toCallFailure } from "./terraform-call.ts";

/**
 * The executor `terraform`: `init`, then `apply` or `destroy`, each task in a folder of its own. A second start of the
 * same attempt is safe: what is in the state is not made again. Fails with the codes of TERRAFORM_FAILURES.
 */
export function createTerraformExecutor(options: TerraformOptions, deps: TerraformDeps): Executor {
  const settings = toSettings(options, deps);
  return defineExecutor({
    ...terraformDefinition,
    async plan(ctx: ExecutorContext, config: TerraformConfig): Promise<Plan> {
      try {
        return await withStagedRun(settings, ctx, config, (run) => planRun(run, config.action));
      } catch (error) {
        throw error instanceof TerraformFailure ? toPlanError(error) : error;
      }
    },
    async start(ctx: ExecutorContext, config: TerraformConfig): Promise<Step<unknown, TerraformOutputs>> {
      try {
        const { outputs, sensitive } = await withStagedRun(settings, ctx, config, (run) =>
          applyRun(run, config.action),
        );
        return succeeded(outputs, sensitive.length > 0 ? { sensitive } : {});
      } catch (error) {
        if (error instanceof TerraformFailure) return error.step;
        throw error;
      }
    },
  });
}

function toPlanError(error: TerraformFailure): StackyardError {
  const { code, message, retryable } = error.step;
  return new StackyardError("OUTCOME_NEGATIVE", `${code}: ${message}`, { cause: error, details: { code, retryable } });
}

/** Where Terraform puts a state that its backend did not take. */
const UNSAVED_STATE = "errored.tfstate";

/** Initialises, applies or destroys, and reads the outputs. Fails with TerraformFailure. */
async function applyRun(run: StagedRun, action: "apply" | "destroy"): Promise<RootOutputs> {
  await initRun(run);
  const lockTimeout = `-lock-timeout=${run.settings.lockTimeout}`;
  const end = await callStream(run, {
    command: action,
    arguments: ["-json", "-no-color", "-input=false", "-auto-approve", lockTimeout],
  });
  await rescueState(run);
  if (end.code !== 0) {
    const code = action === "apply" ? "TERRAFORM_APPLY_FAILED" : "TERRAFORM_DESTROY_FAILED";
    throw toCallFailure({ command: `terraform ${action}`, code, end, diagnostics: end.diagnostics, mask: run.mask });
  }
  return toRootOutputs(needsValues(end.outputs) ? await loadOutputs(run) : end.outputs);
}

/** An unsaved state would be deleted with the folder, and the created resources would be lost from it. */
async function rescueState({ ctx, module, settings }: StagedRun): Promise<void> {
  const unsaved = join(module, UNSAVED_STATE);
  if (!existsSync(unsaved)) return;
  const kept = join(settings.rescueDir, `${ctx.idempotencyKey}-${ctx.attempt.token}.tfstate`);
  await mkdir(settings.rescueDir, { recursive: true, mode: 0o700 });
  await copyFile(unsaved, kept);
  const text =
    `The backend did not take the state, so it was kept on ${hostname()} as ${kept}. ` +
    `Repair the backend, then run \`terraform state push ${kept}\` in the configuration before anything else works on this stack.`;
  throw new TerraformFailure("TERRAFORM_STATE_NOT_SAVED", text);
}

async function loadOutputs(run: StagedRun): Promise<ReadonlyMap<string, StreamOutput>> {
  const lines: string[] = [];
  const call = { command: "output", arguments: ["-json", "-no-color"] } as const;
  const end = await callTerraform(run, call, (line) => lines.push(line));
  const outputs = end.code === 0 ? parseOutputs(lines.join("\n")) : undefined;
  if (outputs !== undefined) return outputs;
  const code = "TERRAFORM_OUTPUTS_FAILED";
  throw toCallFailure({ command: "terraform output", code, end, diagnostics: [], mask: run.mask });
}

/** `plan -detailed-exitcode`: there is something to do. */
const CHANGES = 2;

/**
 * What an apply or destroy would do. Takes no lock: a dry run must neither wait for a run nor hold one up. Fails with
 * TerraformFailure.
 */
async function planRun(run: StagedRun, action: "apply" | "destroy"): Promise<Plan> {
  await initRun(run);
  const end = await callStream(run, {
    command: "plan",
    arguments: [
      ...["-json", "-no-color", "-input=false", "-lock=false", "-detailed-exitcode"],
      ...(action === "destroy" ? ["-destroy"] : []),
    ],
  });
  if (end.code === 0 || end.code === CHANGES) return toPlan(end);
  const code = "TERRAFORM_PLAN_FAILED";
  throw toCallFailure({ command: "terraform plan", code, end, diagnostics: end.diagnostics, mask: run.mask });
}

function toPlan({ code, counts, summary, planned }: StreamEnd): Plan {
  const unchanged = code === 0;
  const { add = 0, change = 0, remove = 0, import: imported = 0 } = counts ?? {};
  return {
    summary: unchanged ? "Nothing would change." : summary || "Only outputs would change.",
    unchanged,
    details: { add, change, remove, import: imported, resources: planned },
  };
}

/** What `init` says about providers that it loads, which may take minutes. */
const PROVIDER_LINE = /^- (Install|Using|Download)/;

/** Prepares backend, modules and providers. Fails with TERRAFORM_INIT_FAILED, TERRAFORM_CANCELLED. */
export async function initRun(run: StagedRun): Promise<void> {
  const lines: string[] = [];
  const call = { command: "init", arguments: ["-input=false", "-no-color", ...run.initArguments] } as const;
  const end = await callTerraform(run, call, (line) => {
    lines.push(run.mask(line));
    if (PROVIDER_LINE.test(line)) run.ctx.report(run.mask(line));
  });
  if (end.code === 0) return run.shareProviders();
  for (const line of lines) end.tail.add(line);
  throw toCallFailure({
    command: "terraform init",
    code: "TERRAFORM_INIT_FAILED",
    end,
    diagnostics: [],
    mask: run.mask,
  });
}

/** The outputs of a root module as a step gives them. */
interface RootOutputs {
  readonly outputs: TerraformOutputs;
  readonly sensitive: readonly string[];
}

/** Scalars as they are, lists and maps as JSON text. */
function toRootOutputs(outputs: ReadonlyMap<string, StreamOutput>): RootOutputs {
  const entries = [...outputs];
  return {
    outputs: Object.fromEntries(entries.map(([name, { value }]) => [name, toScalar(value)])),
    sensitive: entries.filter(([, { sensitive }]) => sensitive).map(([name]) => name),
  };
}

function toScalar(value: unknown): string | number | boolean | null {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return value === null || value === undefined ? null : JSON.stringify(value);
}

/** True when the stream does not say all: it never shows what is sensitive. */
function needsValues(outputs: ReadonlyMap<string, StreamOutput>): boolean {
  return [...outputs.values()].some(({ sensitive }) => sensitive);
}

/** Reads what `output -json` prints; undefined when it is something else. */
function parseOutputs(text: string): ReadonlyMap<string, StreamOutput> | undefined {
  const outputs = parseJson(text);
  if (!isMap(outputs)) return undefined;
  const found = Object.entries(outputs).map(([name, output]): [string, StreamOutput] => {
    const body = isMap(output) ? output : {};
    return [name, { sensitive: body["sensitive"] === true, value: body["value"] }];
  });
  return new Map(found);
}
