import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Finding, fail, ok, warn } from "./finding.ts";

const run = promisify(execFile);
const TIMEOUT_MS = 20_000;

export interface CheckTerraformInput {
  /** As the project's options name it. */
  readonly binary: string;
  /** A machine of the project needs it. */
  readonly needed: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Looks for the program that runs Terraform tasks, and asks for its version. */
export async function checkTerraform({ binary, needed, env }: CheckTerraformInput): Promise<Finding> {
  const version = await findVersion(binary, env);
  if (version !== undefined) return ok("terraform", `${binary} ${version}`);
  const other = binary === "tofu" ? "terraform" : "tofu";
  const found = await findVersion(other, env);
  const message = `The program "${binary}" does not answer.`;
  const hint =
    found === undefined
      ? "Install Terraform or OpenTofu, or set `executors.terraform.binary`."
      : `${other} ${found} is there: set \`executors: { terraform: { binary: "${other}" } }\`.`;
  return needed ? fail("terraform", message, hint) : warn("terraform", `${message} No machine needs it.`, hint);
}

async function findVersion(binary: string, env: CheckTerraformInput["env"]): Promise<string | undefined> {
  try {
    const { stdout } = await run(binary, ["version", "-json"], {
      env: { ...env, CHECKPOINT_DISABLE: "1" },
      timeout: TIMEOUT_MS,
    });
    const answer: unknown = JSON.parse(stdout);
    const version =
      typeof answer === "object" && answer !== null && "terraform_version" in answer ? answer.terraform_version : "";
    return String(version);
  } catch {
    return undefined;
  }
}
