import { toCallFailure } from "./call-failure.ts";
import type { StagedRun } from "./staged-run.ts";
import { callTerraform } from "./terraform-call.ts";

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
