import type { DeliverySettings } from "./deliveries.ts";
import type { Intercept } from "./server.ts";

/** How a request fails. */
export interface RequestFault {
  readonly status: number;
  /** Of a secondary rate limit. */
  readonly retryAfterSeconds?: number;
  /** Of the limit by the hour, which is used up until then; epoch seconds. */
  readonly limitedUntil?: number;
  /** What the host says. */
  readonly message?: string;
  /** The request is carried out before it fails. */
  readonly afterDoing?: boolean;
}

/** What tests may change at any time. */
export interface HostSimSettings extends DeliverySettings {
  /** The role of every person in every repository, such as `maintain` or one that an organization has made. */
  permission: string;
  /** What a role that an organization has made begins with. */
  basePermission: string;
  /** False: the App was uninstalled. */
  isInstalled: boolean;
  /** Rights that people have not granted to the App: tokens with them are refused. */
  missingRights: readonly string[];
  /** Called for each request, with its method and path. */
  requestFault: ((method: string, path: string) => RequestFault | undefined) | undefined;
  /** Changes the bodies of answers, by the path of their request. */
  changeAnswer: ((path: string, body: unknown) => unknown) | undefined;
  /** Meets each request before the others of these settings do. */
  intercept: Intercept | undefined;
}
