import { type GitLabRouteAnswer, MISSING } from "./gitlab-report-routes.ts";

/** A delivery as GitLab remembers it. */
export interface SimHookEvent {
  readonly id: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** Undefined: the receiver was not reached. */
  readonly status: number | undefined;
  readonly at: number;
}

/** What requests about webhooks are answered from. */
export interface HookRoutesInput {
  readonly events: readonly SimHookEvent[];
  /** Whose webhooks they are. */
  readonly of: HookOwner;
  /** Of the token's user in the project or group. */
  readonly role: number;
  /** Where the webhook of the yard is. */
  readonly owner: HookOwner;
  readonly now: number;
}

/** What has webhooks. */
export type HookOwner = "project" | "group";

/** Who may list webhooks. Sources: "Project webhooks API" (Maintainer) and "Group webhooks API" (Owner), GitLab Docs. */
const LEAST_ROLES: Readonly<Record<HookOwner, number>> = { project: 40, group: 50 };
/** Source: "Project webhooks API", GitLab Docs. */
const KEEP_MS = 7 * 86_400_000;
/** Source: `lib/api/hooks/events.rb` of GitLab, which refuses more. */
const MOST_PER_PAGE = 20;
const CI_HOOK = { id: 1, url: "https://ci.example.org/gitlab", name: "CI" };
const YARD_HOOK = { id: 2, url: "https://yard.example.org/hooks/gitlab", name: "Yard" };

/** Answers requests below `/hooks` of the project or group; undefined for others. Events are those of the yard's webhook, newest first. */
export function answerHooks(
  { events, of, role, owner, now }: HookRoutesInput,
  path: string,
  query: URLSearchParams,
): GitLabRouteAnswer | undefined {
  const hookId = /^\/hooks(?:\/(\d+)\/events)?$/.exec(path);
  if (hookId === null) return undefined;
  if (role < LEAST_ROLES[of]) return { status: 403, body: { message: "403 Forbidden" } };
  const hooks = of === owner ? [CI_HOOK, YARD_HOOK] : [CI_HOOK];
  if (hookId[1] === undefined) return { status: 200, body: hooks };
  if (!hooks.some(({ id }) => String(id) === hookId[1])) return MISSING;
  if (Number(query.get("per_page") ?? MOST_PER_PAGE) > MOST_PER_PAGE) {
    return { status: 400, body: { error: "per_page does not have a valid value" } };
  }
  const kept = hookId[1] === "2" ? events.filter(({ at }) => at > now - KEEP_MS) : [];
  const wanted = query.get("status")?.split(",");
  const found = kept.filter(({ status }) => wanted === undefined || wanted.includes(toCategory(status)));
  return { status: 200, body: found.toReversed().map(toEvent) };
}

function toCategory(status: number | undefined): string {
  if (status === undefined || status >= 500) return "server_failure";
  return status >= 400 ? "client_failure" : "successful";
}

function toEvent({ id, headers, body, status }: SimHookEvent) {
  const shown = Object.entries(headers).map(([name, value]) => [name, name === "x-gitlab-token" ? REDACTED : value]);
  return {
    id,
    url: YARD_HOOK.url,
    trigger: "merge_requests_hooks",
    request_headers: Object.fromEntries(shown),
    request_data: redact(body),
    response_headers: {},
    response_body: "",
    execution_duration: 0.1,
    response_status: status === undefined ? "internal error" : String(status),
  };
}

const REDACTED = "[REDACTED]";

/** Bodies are kept without addresses of people. */
function redact(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body, (key, value) => (key === "email" ? REDACTED : value)));
}
