import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PublishedEvent, Stackyard } from "@stackyard/sdk";
import type { ReviewApp } from "./review-app-events.ts";
import { findStateResources } from "./terraform-state.ts";

/** One line of the table at the end. */
export interface Check {
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

/** What must be true of one environment at the end. */
export interface Expectation {
  readonly stackId: string;
  /** The commit that is live; undefined: the environment was removed. */
  readonly sha: string | undefined;
}

export interface CheckInput {
  readonly yard: Stackyard<ReviewApp>;
  readonly server: { readonly url: string; readonly token: string };
  /** Where environments are made. */
  readonly environments: string;
  readonly machine: string;
  readonly withTerraform: boolean;
  readonly expectations: readonly Expectation[];
  readonly sent: readonly { readonly name: string; readonly event: PublishedEvent }[];
}

const REMOVED = "removed";
const NO_RESOURCES = "no resources";
const NETWORK = "10.0.0.0/16";

/** Checks the stacks, the file system, the Terraform states and the history. */
export async function loadChecks(input: CheckInput): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const expectation of input.expectations) {
    checks.push(await checkStack(input, expectation), ...(await checkFiles(input, expectation)));
    if (input.withTerraform) checks.push(...(await checkStates(input, expectation)));
  }
  if (input.withTerraform) checks.push(await checkUnsaved(input));
  checks.push(await checkEvents(input));
  return checks;
}

/** Returns true if the check passed. */
export function holds({ expected, found }: Check): boolean {
  return expected === found;
}

async function checkStack({ yard }: CheckInput, { stackId, sha }: Expectation): Promise<Check> {
  const { items } = await yard.stacks.list({ idPrefix: stackId });
  const stack = items.find(({ id }) => id === stackId);
  return {
    what: `${stackId.padEnd(6)} stack`,
    expected: sha === undefined ? REMOVED : "LIVE",
    found: stack?.state ?? REMOVED,
  };
}

async function checkFiles(input: CheckInput, { stackId, sha }: Expectation): Promise<readonly Check[]> {
  const files = [
    { name: "database.json", content: '{"engine":"postgres"}' },
    ...(input.withTerraform
      ? [
          { name: "network.txt", content: NETWORK },
          { name: "app.txt", content: sha ?? "" },
        ]
      : []),
  ];
  return Promise.all(
    files.map(async ({ name, content }) => ({
      what: `${stackId.padEnd(6)} file ${name}`,
      expected: sha === undefined ? REMOVED : content,
      found: (await findText(join(input.environments, stackId, name)))?.trim() ?? REMOVED,
    })),
  );
}

async function checkStates(input: CheckInput, { stackId, sha }: Expectation): Promise<readonly Check[]> {
  const states = [
    { module: "network", content: `terraform_data.network ${NETWORK}` },
    { module: "app", content: `terraform_data.app ${sha}` },
  ];
  return Promise.all(
    states.map(async ({ module, content }) => {
      const key = `${input.machine}/${stackId}/local/terraform/${module}`;
      const resources = (await findStateResources(input.server, key)) ?? [];
      const found = resources.map(({ address, output }) => `${address} ${output["sha"] ?? output["cidr"] ?? "?"}`);
      return {
        what: `${stackId.padEnd(6)} Terraform state ${module}`,
        expected: sha === undefined ? NO_RESOURCES : content,
        found: found.join(", ") || NO_RESOURCES,
      };
    }),
  );
}

/** Checks that no run waits for a person. */
async function checkUnsaved({ yard }: CheckInput): Promise<Check> {
  const { items } = await yard.states.unsaved();
  const expected = "saved or settled";
  return { what: "all    runs of Terraform", expected, found: items.map(({ state }) => state).join(", ") || expected };
}

/** Checks that each event was applied once, whatever was killed. */
async function checkEvents({ yard, sent }: CheckInput): Promise<Check> {
  const wrong: string[] = [];
  for (const { name, event } of sent) {
    const { items } = await yard.events.history(event.eventId);
    const times = items.filter(({ outcome }) => outcome === "applied" || outcome === "removed").length;
    if (times !== 1) wrong.push(`${name}: ${times} times`);
  }
  const expected = "each applied once";
  return { what: `all    ${sent.length} events`, expected, found: wrong.join(", ") || expected };
}

async function findText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
