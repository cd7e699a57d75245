/** The manifest that registers an App. Source: "Registering a GitHub App from a manifest", GitHub Docs. */
export interface AppManifest {
  readonly name: string;
  readonly url: string;
  /** Where GitHub sends the person with a code. */
  readonly redirect_url?: string;
  readonly hook_attributes: { readonly url: string; readonly active: boolean };
  readonly public: boolean;
  readonly default_permissions: Readonly<Record<string, "read" | "write">>;
  readonly default_events: readonly string[];
}

/** The requested App. */
export interface AppInput {
  /** The host's name in the configuration. */
  readonly name: string;
  /** The public address of the yard, without a slash at its end. */
  readonly url: string;
}

const MOST_NAME = 34;

/**
 * GitHub refuses events without their permission: "Push" needs contents, "Issue comment" needs issues, "Merge group" needs
 * merge queues. All are only read.
 */
const PERMISSIONS = {
  metadata: "read",
  contents: "read",
  issues: "read",
  pull_requests: "write",
  checks: "write",
  deployments: "write",
  merge_queues: "read",
} as const;
const EVENTS = ["pull_request", "push", "issue_comment", "check_run", "merge_group"];

/** Returns the manifest of the App that this package works with. The person may change its name at GitHub. */
export function toAppManifest({ name, url }: AppInput): AppManifest {
  return {
    name: `Stackyard ${new URL(url).hostname}`.slice(0, MOST_NAME),
    url,
    hook_attributes: { url: `${url}/hooks/${name}`, active: true },
    public: false,
    default_permissions: PERMISSIONS,
    default_events: EVENTS,
  };
}
