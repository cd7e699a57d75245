import { keepUnsavedContent, putUnsavedRun, type UnsavedRun } from "@stackyard/core/services";
import type { TestYard } from "./test-yard.ts";

const STATE = "review-app/pr-1/network";

/** Adds a run of Terraform to a yard that could not save a state; without the state, one that has not reported its end. */
export async function addUnsavedRun(
  { store, clock }: Pick<TestYard, "store" | "clock">,
  state?: object,
  more: Partial<UnsavedRun> = {},
): Promise<UnsavedRun> {
  const deps = { records: store.records, clock };
  const run: UnsavedRun = {
    ...{ state: STATE, stack: "pr-1", machine: "review-app", attempt: "pr-1/i/1/create/1", token: 1 },
    ...{ action: "apply", host: "runner-1", at: 0, sequence: 1, base: 0 },
    ...more,
  };
  const content = state && (await keepUnsavedContent(deps, run, new TextEncoder().encode(JSON.stringify(state))));
  const resources = [{ address: "aws_instance.a", id: "i-1" }];
  const left = { file: "/data/terraform-rescued/a.tfstate", serial: 2, count: 1, resources };
  const kept = content === undefined ? run : { ...run, left: { ...left, content } };
  await putUnsavedRun(deps, kept);
  return kept;
}
