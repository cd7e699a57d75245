import { readdir } from "node:fs/promises";
import type { HostSim } from "@stackyard/host-sim";
import type { Stackyard } from "@stackyard/sdk";
import type { Check } from "stackyard-example-review-app/checks";
import { findStateResources } from "stackyard-example-review-app/terraform-state";
import { FIRST_COMMITS, findComments } from "./story.ts";

export interface CheckInput {
  readonly yard: Stackyard;
  readonly github: HostSim;
  readonly server: { readonly url: string; readonly token: string };
  /** Each resource of a preview is a file of this folder. */
  readonly folder: string;
  readonly withTerraform: boolean;
}

const NOTHING = "nothing";
const PULLS = [
  { number: 1, events: "OPENED, PUSHED, CLOSED" },
  { number: 2, events: "OPENED, SLEEP, WAKE, CLOSED" },
  { number: 3, events: "OPENED, RETRY, CLOSED, CLOSED" },
];

/** Looks at the yard, at the folder of the resources and at GitHub when everything is closed. */
export async function loadChecks(input: CheckInput): Promise<readonly Check[]> {
  const { yard, github, folder } = input;
  const checks: Check[] = [
    toCheck(
      "stacks",
      (await yard.stacks.list()).items.map(({ id }) => id),
    ),
    toCheck("files of previews", await readdir(folder)),
  ];
  if (input.withTerraform) checks.push(await checkStates(input));
  for (const { number, events } of PULLS) {
    const found = await listEvents(yard, `pr-${number}`);
    checks.push({ what: `pr-${number}: events, each once and in order`, expected: events, found: found.join(", ") });
    const comments = String(findComments(github, number).length);
    checks.push({ what: `pr-${number}: comments of the App`, expected: "1", found: comments });
  }
  checks.push({ what: "pr-1: its close was found by", expected: "converge", found: await findCloser(yard) });
  const { deployments } = github.reports;
  const open = deployments.filter(({ statuses }) => statuses.at(-1)?.["state"] !== "inactive");
  const first = deployments.filter(({ set }) => FIRST_COMMITS.includes(String(set["ref"])));
  checks.push({ what: "pr-1: deployments, one for each commit", expected: "2", found: String(first.length) });
  checks.push(
    toCheck(
      "deployments that are active",
      open.map(({ set }) => String(set["ref"])),
    ),
  );
  const running = github.reports.checks.filter(({ set }) => set["conclusion"] === undefined);
  checks.push(
    toCheck(
      "checks that are not completed",
      running.map(({ set }) => String(set["name"])),
    ),
  );
  return checks;
}

function toCheck(what: string, left: readonly string[]): Check {
  return { what, expected: NOTHING, found: left.join(", ") || NOTHING };
}

async function checkStates({ server }: CheckInput): Promise<Check> {
  const left: string[] = [];
  for (const { number } of PULLS) {
    const resources = await findStateResources(server, `preview/pr-${number}/local/terraform/app`);
    left.push(...(resources ?? []).map(({ address }) => `pr-${number} ${address}`));
  }
  return toCheck("resources in Terraform states", left);
}

/** Returns the source of the closing event: a delivery, or the server's comparison of pull requests with stacks. */
async function findCloser(yard: Stackyard): Promise<string> {
  const { items } = await yard.stacks.history("pr-1");
  return items.find(({ event }) => event === "CLOSED")?.eventId.split("/")[1] ?? NOTHING;
}

/** Lists the events of a pull request's stack. */
async function listEvents(yard: Stackyard, stackId: string): Promise<readonly string[]> {
  const { items } = await yard.stacks.history(stackId, { order: "oldest" });
  return items
    .filter(({ eventId, outcome }) => eventId.startsWith("github/") && outcome !== "parked")
    .map(({ event }) => event);
}
