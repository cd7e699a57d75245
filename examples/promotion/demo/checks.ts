import type { Stackyard } from "@stackyard/sdk";
import type { Check } from "stackyard-example-review-app/checks";
import { findStateResources } from "stackyard-example-review-app/terraform-state";
import { countFiles, countSame, ENVIRONMENTS, findFile, listTenants } from "./observe.ts";

export interface CheckInput {
  readonly yard: Stackyard;
  readonly server: { readonly url: string; readonly token: string };
  /** Each environment and each tenant has a folder in it. */
  readonly folder: string;
  readonly withTerraform: boolean;
}

/** What each environment has at the end: 1.2.0 was undone behind staging, and production has what a person had set. */
const EXPECTED: Readonly<Record<string, string>> = {
  "shop-test": "1.2.0",
  "shop-staging": "1.2.0",
  "shop-prod": "1.1.9",
};

const NOTHING = "nothing";

/** Compares the files, the Terraform states, the stacks and the board at the end. */
export async function loadChecks(input: CheckInput): Promise<readonly Check[]> {
  const { yard, folder, withTerraform } = input;
  const checks: Check[] = [];
  for (const stackId of ENVIRONMENTS) {
    const expected = EXPECTED[stackId] ?? NOTHING;
    const { state, metadata } = await yard.stacks.get(stackId);
    checks.push({ what: `${stackId}: stack`, expected: `LIVE ${expected}`, found: `${state} ${metadata["api"]}` });
    checks.push({ what: `${stackId}: file`, expected, found: (await findFile(folder, stackId)) ?? NOTHING });
    if (withTerraform) checks.push(await checkState(input, stackId, expected));
  }
  const { items } = await yard.stacks.list({ machine: "tenant" }, { limit: 100 });
  const tenants = await Promise.all(items.map(({ id }) => yard.stacks.get(id)));
  checks.push({
    what: "tenants: stacks",
    expected: "LIVE 1.1.0 × 40",
    found: countSame(tenants.map(({ state, metadata }) => `${state} ${metadata["api"]}`)),
  });
  const files = await countFiles(folder, listTenants());
  checks.push({ what: "tenants: files", expected: "1.1.0 × 40", found: files });
  return [...checks, ...(await checkBoard(yard))];
}

async function checkState({ server }: CheckInput, stackId: string, expected: string): Promise<Check> {
  const resources = (await findStateResources(server, `shop/${stackId}/local/terraform/app`)) ?? [];
  const found = resources.map(({ output }) => String(output["text"])).join(", ") || NOTHING;
  return { what: `${stackId}: Terraform state`, expected, found };
}

/** The board says which version runs where, by which release, and what was set by hand. */
async function checkBoard(yard: Stackyard): Promise<readonly Check[]> {
  const { environments, releases } = await yard.boards.get("shop-release");
  const found = environments.map(({ task, behind, versions }) => {
    const shown = versions.map(({ values, release, standings }) => {
      const standing = standings["by-hand"] > 0 ? "by hand" : `by ${release?.id}`;
      return `${values["api"]} ${standing} × ${standings.rests + standings["by-hand"]}`;
    });
    return { what: `board: ${task}`, found: `${shown.join(", ")}${behind ? ", behind" : ""}` };
  });
  const expected: Readonly<Record<string, string>> = {
    "board: test": "1.2.0 by shop-1.2.0 × 1",
    "board: staging": "1.2.0 by shop-1.2.0 × 1",
    "board: production": "1.1.9 by hand × 1, behind",
    "board: tenants": "1.1.0 by shop-1.1.0 × 40",
  };
  const rows = found.map((row) => ({ ...row, expected: expected[row.what] ?? NOTHING }));
  const states = releases.map(({ id, state }) => `${id} ${state}`).sort();
  return [
    ...rows,
    { what: "board: releases", expected: "shop-1.1.0 DONE, shop-1.2.0 STOPPED", found: states.join(", ") },
  ];
}
