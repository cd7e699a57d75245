import { toStackId } from "../api/attempt-ids.ts";
import type { IconName } from "../design/icon.tsx";
import type { Search } from "../design/links.tsx";

/** A screen of the rail. */
export interface Screen {
  readonly path: string;
  readonly title: string;
  readonly icon: IconName;
  /** What the yard must have. Without it the rail leaves the screen out; the search finds it, and it says what is lacking. */
  readonly needs?: "artifacts";
}

/** The screens of the rail, in three groups. */
export const GROUPS: readonly (readonly [string, readonly Screen[]])[] = [
  [
    "Work",
    [
      { path: "/", title: "Overview", icon: "overview" },
      { path: "/stacks", title: "Stacks", icon: "stacks" },
      { path: "/releases", title: "Releases", icon: "releases" },
      { path: "/approvals", title: "Approvals", icon: "approvals" },
    ],
  ],
  [
    "Author",
    [
      { path: "/machines", title: "Machines", icon: "machines" },
      { path: "/artifacts", title: "Artifacts", icon: "artifacts", needs: "artifacts" },
    ],
  ],
  [
    "Run",
    [
      { path: "/yard", title: "Yard", icon: "yard" },
      { path: "/audit", title: "Audit", icon: "audit" },
      { path: "/access", title: "Access", icon: "access" },
    ],
  ],
];

const SCREENS = GROUPS.flatMap(([, screens]) => screens);

/** Views of a screen that have an address of their own, and what they are called. */
const VIEWS: Readonly<Record<string, readonly [screen: string, title: string]>> = {
  "/inbox": ["/", "Inbox"],
  "/jobs": ["/stacks", "Jobs"],
  "/custom-resources": ["/stacks", "Custom resources"],
  "/states": ["/machines", "Terraform"],
  "/freezes": ["/releases", "Freezes"],
};

/** Pages of one thing: the list to which it belongs, and the part of the address that names it. */
const THINGS: Readonly<Record<string, readonly [list: string, part: string]>> = {
  "/stack": ["/stacks", "id"],
  "/bundle": ["/stacks", "id"],
  "/job": ["/jobs", "id"],
  "/fleet": ["/jobs", "id"],
  "/custom-resource": ["/custom-resources", "id"],
  "/release": ["/releases", "id"],
  "/asg": ["/releases", "id"],
  "/approval": ["/approvals", "stack"],
  "/plan": ["/releases", "stack"],
  "/machine": ["/machines", "name"],
  "/edit": ["/machines", "machine"],
  "/simulate": ["/machines", "machine"],
  "/state": ["/states", "key"],
};

/** All lists, as the search finds them. */
export const PLACES: readonly (readonly [path: string, title: string])[] = [
  ...SCREENS.map(({ path, title }) => [path, title] as const),
  ...Object.entries(VIEWS).map(([path, [, title]]) => [path, title] as const),
];

/** Returns the screen of the rail to which an address belongs: always one, so that the rail always has a mark. */
export function findScreen(path: string): string {
  const list = path === "/log" ? "/stacks" : (THINGS[path]?.[0] ?? path);
  return VIEWS[list]?.[0] ?? list;
}

/** A part of the breadcrumb; the last one has no path. */
interface Crumb {
  readonly title: string;
  readonly path?: string;
  readonly search?: Search;
}

/** Returns the way from the rail's screen to an address. */
export function findCrumbs(path: string, search: Search): readonly Crumb[] {
  if (path === "/log") return findLogCrumbs(search["attempt"] ?? "");
  const thing = THINGS[path];
  const list = thing?.[0] ?? path;
  const screen = findScreen(path);
  const lists = [...new Set([screen, list])].flatMap((each): Crumb[] => {
    const title = PLACES.find(([place]) => place === each)?.[1];
    return title === undefined ? [] : [{ title, path: each }];
  });
  if (lists.length === 0) return [{ title: "Page not found" }];
  if (thing === undefined) return lists.map((crumb) => (crumb.path === path ? { title: crumb.title } : crumb));
  const title = search[thing[1]] ?? search["id"] ?? `${path.charAt(1).toUpperCase()}${path.slice(2)}`;
  return [...lists, { title }];
}

/** Returns the way to the log of an attempt: over its stack. */
function findLogCrumbs(attemptId: string): readonly Crumb[] {
  const [, , , task, attempt] = attemptId.split("/");
  const stacks: Crumb = { title: "Stacks", path: "/stacks" };
  if (task === undefined || attempt === undefined) return [stacks, { title: "Log" }];
  const id = toStackId(attemptId);
  return [stacks, { title: id, path: "/stack", search: { id } }, { title: `Log of ${task}, attempt ${attempt}` }];
}
