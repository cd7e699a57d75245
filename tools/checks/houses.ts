import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The two parts of the repository: the yard runs without AWS, the products for AWS are plugins and functions beside it. */
export type House = "yard" | "aws";

/** The folder of a workspace, such as `packages/core`, and the house that its package.json names as a tag of nx. */
export interface HousedWorkspace {
  readonly folder: string;
  readonly houses: readonly House[];
}

/** Returns the workspaces under `packages/` and `apps/`, or in the homes that are given, with the houses that they name: one, where nothing is wrong. */
export function findHouses(root: string, homes = "{packages,apps}"): readonly HousedWorkspace[] {
  return globSync(`${homes}/*/package.json`, { cwd: root })
    .map((path) => path.replaceAll("\\", "/"))
    .sort()
    .map((path) => {
      const { nx } = JSON.parse(readFileSync(join(root, path), "utf8")) as { nx?: { tags?: readonly string[] } };
      const houses = HOUSES.filter((house) => nx?.tags?.includes(`house:${house}`));
      return { folder: path.replace("/package.json", ""), houses };
    });
}

/** Both houses. */
export const HOUSES: readonly House[] = ["yard", "aws"];

/**
 * Returns what tells the house of a file by its path. What no tag tells apart, such as tools that check the repository, belongs to the
 * yard: it must hold whether or not anybody uses AWS.
 */
export function createHouseOf(root: string): (path: string) => House {
  const found = findHouses(root, "{packages,apps,tools,examples}");
  const ofAws = found.flatMap(({ folder, houses }) => (houses.includes("aws") ? [`${folder}/`] : []));
  return (path) => (ofAws.some((folder) => path.startsWith(folder)) ? "aws" : "yard");
}
