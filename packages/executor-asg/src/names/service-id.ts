import { parseInstant } from "../document/parse-instant.ts";
import type { Release } from "../document/release.ts";
import { toStamp } from "./stamp.ts";

/** The longest name of a group (Auto Scaling, CreateAutoScalingGroup), and of its policies and alarms. */
export const MAX_GROUP_NAME = 255;

/** What the first generation draws afresh for each name. */
export interface SeedDraw {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Seven. */
  readonly letters: string;
}

/**
 * The name of a service's group: `<project>-<config>-<created_at>-<service>`, the time in UTC to the second, the same in every
 * state of the release. With a draw as the first generation has it: `<project>-<config>-<service>-<time>-<letters>`. A release
 * whose `created_at` is no time throws a RangeError.
 */
export function serviceId(
  release: Pick<Release, "project_name" | "config_name" | "created_at">,
  service: string | { readonly service_name: string },
  draw?: SeedDraw,
): string {
  const name = typeof service === "string" ? service : service.service_name;
  const project = `${release.project_name}-${release.config_name}`;
  if (draw) return `${project}-${name}-${toStamp(draw.at)}-${draw.letters}`;
  return `${project}-${toStamp(parseInstant(release.created_at) ?? Number.NaN)}-${name}`;
}
