import { randomBytes } from "node:crypto";
import type { Described } from "./described.ts";
import { type Answer, MISSING } from "./route.ts";

/** Source: "Registering a GitHub App from a manifest", GitHub Docs. */
const CODE_MS = 3_600_000;
const NEW_APP = /^(?:\/organizations\/[^/]+)?\/settings\/apps\/new$/;
const CONVERSION = /^\/api\/v3\/app-manifests\/(?<code>[^/]+)\/conversions$/;

/**
 * Which permission an event needs; without it GitHub refuses the manifest: "Default events are not supported by permissions".
 * Source: "Webhook events and payloads", GitHub Docs.
 */
const NEEDED: Readonly<Record<string, string>> = {
  check_run: "checks",
  issue_comment: "issues",
  merge_group: "merge_queues",
  pull_request: "pull_requests",
  push: "contents",
};

/** The App that is registered. */
interface AppFacts {
  readonly id: number;
  readonly pem: string;
  readonly secret: string;
  readonly url: () => string;
  readonly now: () => number;
}

/**
 * Answers the pages and the endpoint that register an App from a manifest; undefined for other paths. Assumes a person
 * who confirms the page immediately.
 */
export type AppManifests = (method: string, url: URL, readText: () => Promise<string>) => Promise<Answer | undefined>;

/** Creates them. Codes are good once, and for an hour. */
export function createAppManifests({ id, pem, secret, url, now }: AppFacts): AppManifests {
  const codes = new Map<string, { readonly name: unknown; readonly until: number }>();

  function register(text: string, state: string | null): Answer {
    const manifest = JSON.parse(new URLSearchParams(text).get("manifest") ?? "{}");
    const message = findFault(manifest);
    if (message !== undefined) return { status: 422, body: { message } };
    const code = randomBytes(20).toString("hex");
    codes.set(code, { name: manifest.name, until: now() + CODE_MS });
    const location = new URL(manifest.redirect_url);
    location.searchParams.set("code", code);
    if (state !== null) location.searchParams.set("state", state);
    return { status: 302, body: {}, location: location.href };
  }

  function convert(code: string): Answer {
    const found = codes.get(code);
    codes.delete(code);
    if (found === undefined || found.until <= now()) return MISSING;
    const slug = "stackyard";
    const html_url = `${url()}/apps/${slug}`;
    const app: Described<"integration"> = { id, slug, name: String(found.name), html_url };
    return { status: 201, body: { ...app, pem, webhook_secret: secret } };
  }

  return async (method, { pathname, searchParams }, readText) => {
    if (method !== "POST") return undefined;
    if (NEW_APP.test(pathname)) return register(await readText(), searchParams.get("state"));
    const code = CONVERSION.exec(pathname)?.groups?.["code"];
    return code === undefined ? undefined : convert(code);
  };
}

function findFault(manifest: Readonly<Record<string, never>>): string | undefined {
  const {
    url,
    redirect_url,
    hook_attributes,
    default_permissions = {},
    default_events = [],
  } = manifest as {
    readonly url?: string;
    readonly redirect_url?: string;
    readonly hook_attributes?: { readonly url?: string };
    readonly default_permissions?: Readonly<Record<string, string>>;
    readonly default_events?: readonly string[];
  };
  if (url === undefined || redirect_url === undefined) return "url and redirect_url are missing";
  if (hook_attributes !== undefined && hook_attributes.url === undefined) return "Hook url cannot be blank";
  const unsupported = default_events.filter((event) => default_permissions[NEEDED[event] ?? ""] === undefined);
  return unsupported.length === 0
    ? undefined
    : `Default events are not supported by permissions: ${unsupported.join(", ")}`;
}
