import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Stackyard } from "@stackyard/sdk";

export const ENVIRONMENTS: readonly string[] = ["shop-test", "shop-staging", "shop-prod"];

/** Returns the ids of the 40 tenants. */
export function listTenants(): readonly string[] {
  return Array.from({ length: 40 }, (_, index) => `t-${String(index + 1).padStart(2, "0")}`);
}

/** Returns the version that the file of a stack says; undefined if it does not exist. */
export async function findFile(folder: string, stackId: string): Promise<string | undefined> {
  try {
    return (await readFile(join(folder, stackId, "app.txt"), "utf8")).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Returns the versions in the files of stacks: `1.0.0 × 36, 1.1.0 × 4`. */
export async function countFiles(folder: string, stackIds: readonly string[]): Promise<string> {
  return countSame(await Promise.all(stackIds.map(async (id) => (await findFile(folder, id)) ?? "no file")));
}

/** Returns how often each value is there, in their order: `1.0.0 × 36, 1.1.0 × 4`. */
export function countSame(values: readonly string[]): string {
  return [...Map.groupBy(values, (value) => value)]
    .map(([value, same]) => `${value} × ${same.length}`)
    .sort()
    .join(", ");
}

/** Returns the number of a task's stacks by their state: `{ done: 4, waiting: 36 }`. */
export async function countRows(
  yard: Stackyard,
  release: string,
  task: string,
): Promise<Readonly<Record<string, number>>> {
  const found = (await yard.deploys.list(release)).some((deploy) => deploy.task === task);
  if (!found) return {};
  const { items } = await yard.deploys.stacks(release, task, { limit: 100 });
  return Object.fromEntries(
    [...Map.groupBy(items, ({ state }) => state)].map(([state, { length }]) => [state, length]),
  );
}

/** Returns a task of a stack. */
export async function findTask(yard: Stackyard, stackId: string, task: string) {
  const { tasks } = await yard.stacks.get(stackId);
  return tasks.find(({ name }) => name === task);
}
