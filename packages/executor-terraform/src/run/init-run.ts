import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { formatNames } from "@stackyard/core";
import { createMaskedReport } from "@stackyard/core/programs";
import type { TerraformConfig } from "../definition.ts";
import { listStateProviders } from "../state/state-document.ts";
import { TerraformFailure } from "./failure.ts";
import { listProviders } from "./provider-cache.ts";
import type { StagedRun } from "./staged-run.ts";
import { type CallEnd, callTerraform, reportStep, TAIL_BYTES, toCallFailure, toPlainText } from "./terraform-call.ts";

/**
 * Prepares modules, providers and the backend, in this order, so that a state adds no provider to those that the
 * configuration requires: a provider is a program, and who writes a state is not who writes the configuration. Fails with
 * TERRAFORM_INIT_FAILED, TERRAFORM_PROVIDER_REFUSED, STATE_PROVIDER_UNKNOWN, TERRAFORM_CANCELLED.
 */
export async function initRun(run: StagedRun): Promise<void> {
  const providers = join(run.module, ".terraform", "providers");
  reportStep(run, { command: "init" });
  const prepared = await callInit(run, { given: ["-backend=false"], isShown: true });
  if (prepared.end.code !== 0) throw toInitFailure(run, prepared);
  // Otherwise the program does not make it when there are none.
  await mkdir(providers, { recursive: true });
  const required = await listProviders(providers);
  checkRegistries(run, required);
  const given = [`-plugin-dir=${providers}`, ...run.initArguments];
  const done = await callInit(run, { given, isShown: false });
  if (done.end.code === 0) return run.shareProviders();
  const unknown = done.end.stopped ? [] : await findUnknown(run, required);
  if (unknown.length === 0) throw toInitFailure(run, done);
  const text =
    `The state names providers that neither the configuration nor its modules require: ${formatNames(unknown)}. ` +
    'None of them was loaded, and nothing was changed. If they are yours, add them to "required_providers". ' +
    "If not, find out who has written the state, and restore the version before it.";
  throw new TerraformFailure("STATE_PROVIDER_UNKNOWN", text);
}

/** Refuses providers of registries that the option does not name, before one of them is started. */
function checkRegistries({ settings: { registries } }: StagedRun, required: readonly string[]): void {
  if (registries === undefined) return;
  const refused = required.filter((provider) => !registries.includes(provider.split("/")[0] ?? ""));
  if (refused.length === 0) return;
  const text = `The option "registries" of the plugin terraform does not allow ${formatNames(refused)}.`;
  throw new TerraformFailure("TERRAFORM_PROVIDER_REFUSED", text);
}

/** Returns the providers that only the state names: the program reads a state without starting one. */
async function findUnknown(run: StagedRun, required: readonly string[]): Promise<readonly string[]> {
  const call = { command: "state", arguments: ["pull"] } as const;
  const end = await callTerraform(run, call, () => undefined);
  if (end.code !== 0) return [];
  const named = await listStateProviders({
    from: { path: join(run.folder, "state.out") },
    report: (line) => run.ctx.report(line),
  });
  return named.filter((provider) => !required.includes(provider));
}

interface InitInput {
  readonly given: readonly string[];
  /** True to report the providers as they are loaded. */
  readonly isShown: boolean;
}

/** A call of `init` with its output. */
interface InitEnd {
  readonly end: CallEnd;
  readonly output: readonly string[];
}

async function callInit(run: StagedRun, { given, isShown }: InitInput): Promise<InitEnd> {
  const output: string[] = [];
  const progress = createMaskedReport(run);
  const call = { command: "init", arguments: ["-input=false", "-no-color", ...given] } as const;
  const end = await callTerraform(run, call, (line) => {
    output.push(line);
    if (isShown && PROVIDER_LINE.test(line)) progress.add({ text: line });
  }).finally(progress.end);
  return { end, output };
}

/** Lines of `init` about providers that it loads, which may take minutes. */
const PROVIDER_LINE = /^- (Install|Using|Download)/;

/** A module with a relative path is not in the copied source. */
const OUTSIDE_MODULE = /Unreadable module directory|Local module path escapes module package/;

function toOutsideHint(source: TerraformConfig["source"] = {}): string {
  const { location, key, path }: { location?: string; key?: string; path?: string } = source;
  const given = location ?? key ?? path ?? "";
  const double = /^[^/].*[^/]\/[^/]+$/.test(given) ? given.replace(/\/(?=[^/]*$)/, "//") : "folder//module";
  return `Only the source "${given}" is copied. To use modules next to it, write a double slash after the folder that contains both: "${double}".`;
}

/** Reports what the call has said, and returns its failure. */
function toInitFailure(run: StagedRun, { end, output }: InitEnd): TerraformFailure {
  const errors = end.tail.text(TAIL_BYTES);
  const lines = run.mask(output.map(toPlainText).join("\n")).split("\n");
  for (const line of [...lines.filter((text) => !PROVIDER_LINE.test(text)), ...errors.split("\n")]) {
    if (line.trim() !== "") run.ctx.report(line);
  }
  // Errors are written to standard error; what succeeded before them would hide them in a short message.
  if (errors === "") for (const line of lines) end.tail.add(line);
  if (OUTSIDE_MODULE.test([...lines, errors].join("\n"))) end.tail.add(toOutsideHint(run.config.source));
  return toCallFailure({ command: "terraform init", code: "TERRAFORM_INIT_FAILED", end, mask: run.mask });
}
