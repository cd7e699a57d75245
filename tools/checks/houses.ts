import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The two parts of the repository: the yard runs without AWS, the products for AWS are plugins and functions beside it. */
export type House = "yard" | "aws";

/** The folder of a workspace, such as `packages/core`, and the house that its package.json names as a tag of nx. */
export interface HousedWorkspace {
  readonly folder: string;
  readonly houses: readonly House[];
}

/** Returns the workspaces under `packages/` and `apps/`, with the houses that they name: one, where nothing is wrong. */
export function findHouses(root: string): readonly HousedWorkspace[] {
  return globSync("{packages,apps}/*/package.json", { cwd: root })
    .map((path) => path.replaceAll("\\", "/"))
    .sort()
    .map((path) => {
      const { nx } = JSON.parse(readFileSync(join(root, path), "utf8")) as { nx?: { tags?: readonly string[] } };
      const houses = HOUSES.filter((house) => nx?.tags?.includes(`house:${house}`));
      return { folder: path.replace("/package.json", ""), houses };
    });
}

const HOUSES: readonly House[] = ["yard", "aws"];
