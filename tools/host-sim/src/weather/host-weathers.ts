import {
  type ActBeside,
  changingWeather,
  commonWeathers,
  failingWeather,
  isCall,
  type Moment,
  type Sky,
  type Weather,
} from "@stackyard/core/testing";
import type { HostSimSettings } from "../settings.ts";

/** An answer of a host, as data: every reader of a `Response` needs one of its own. */
interface HostAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
/** The timeout of our clients. */
const CLIENT_LIMIT_MS = 30 * SECOND_MS;

/** A simulated host, and what it shows. */
interface WatchedHost {
  readonly settings: Pick<HostSimSettings, "intercept">;
  readonly reports: { removeComment(id: number): void };
}

/** Passes every request to a simulated host through the sky. Deliveries are passed by the story. */
export function watchHost({ settings, reports }: WatchedHost, sky: Sky): void {
  const act: ActBeside = async (operation, { id }) => {
    if (operation === "GitHub.deleteComment") reports.removeComment(Number(id));
  };
  settings.intercept = async ({ operation, request }, proceed) => {
    const { pathname, search } = new URL(request.url);
    const input = { path: `${pathname}${search}`, body: await request.clone().text() };
    const answer = await sky.meet(`GitHub.${operation}`, input, async () => toData(await proceed()), act);
    const { status, headers, body } = answer as HostAnswer;
    return new Response(status === 304 || status === 204 ? null : Buffer.from(body, "latin1"), { status, headers });
  };
}

async function toData(response: Response): Promise<HostAnswer> {
  const bytes = Buffer.from(await response.arrayBuffer());
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: bytes.toString("latin1"),
  };
}

function toAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HostAnswer {
  const type = { "content-type": "application/json; charset=utf-8" };
  return { status, headers: { ...type, ...headers }, body: Buffer.from(JSON.stringify(body)).toString("latin1") };
}

const isRead = ({ operation }: Moment) => operation.startsWith("GitHub.GET ");
const isWrite = (moment: Moment) => isCall(moment) && !isRead(moment);

/** A weather in which the host answers with an error. */
interface RefusingInput extends Pick<Weather, "name" | "source" | "lastsMs"> {
  readonly answer: (now: number) => HostAnswer;
  /** True if the request has its effect before. Default: false. */
  readonly isServed?: boolean;
}

function refusing({ answer, isServed = false, ...named }: RefusingInput): Weather {
  return {
    ...named,
    fits: (moment) => (isServed ? isWrite(moment) : isCall(moment)),
    async meet({ now }, proceed) {
      if (isServed) await proceed();
      return answer(now);
    },
  };
}

const denied = () => toAnswer(403, { message: "Resource not accessible by integration" });
const broken = () => ({ status: 502, headers: { "content-type": "text/html" }, body: "<html>Bad Gateway</html>" });

/** GitHub shows a write later than it answers, for some seconds. */
function missing(name: string, lastsMs?: number): Weather {
  return changingWeather({
    name,
    ...(lastsMs !== undefined && { lastsMs }),
    source:
      "python/the-knights-who-say-ni#86, runatlantis/atlantis#1019, probot/stale#83: what exists is not shown yet",
    fits: (moment, answer) => isRead(moment) && findRows(answer) !== undefined,
    change: (answer) => {
      const found = findRows(answer);
      return found === undefined ? answer : toAnswer(200, found.with(found.rows.slice(1)));
    },
  });
}

/** Returns the id of the app's first comment in an answer. */
function findCommentId({ operation }: Moment, answer: unknown): number | undefined {
  const { status, body = "" } = Object(answer) as Partial<HostAnswer>;
  if (!/ .*comments/.test(operation) || (status !== 200 && status !== 201)) return undefined;
  const data: unknown = JSON.parse(Buffer.from(body, "latin1").toString());
  const comments: readonly unknown[] = Array.isArray(data) ? data : [data];
  const own: unknown = comments.find((each) => Object(each).performed_via_github_app);
  return own === undefined ? undefined : Number(Object(own).id);
}

interface Rows {
  readonly rows: readonly unknown[];
  with(rows: readonly unknown[]): unknown;
}

/** Returns the rows of a list: the body itself, or the first list in it. */
function findRows(answer: unknown): Rows | undefined {
  const { status, headers, body } = Object(answer) as Partial<HostAnswer>;
  if (status !== 200 || headers?.["content-type"]?.startsWith("application/json") !== true) return undefined;
  const data: unknown = JSON.parse(Buffer.from(body ?? "", "latin1").toString());
  if (Array.isArray(data)) return data.length > 0 ? { rows: data, with: (rows) => rows } : undefined;
  const fields = Object(data) as Record<string, unknown>;
  const name = Object.keys(fields).find((key) => Array.isArray(fields[key]));
  const rows = name === undefined ? [] : (fields[name] as readonly unknown[]);
  return rows.length > 0 ? { rows, with: (left) => ({ ...fields, [name ?? ""]: left }) } : undefined;
}

/** Lists by their question without its page. A run of a story reads the first page before the others. */
const lists = new Map<string, Rows>();

/** A list comes in pages of one row; the first page has `firstSize` rows. The header `link` says that it continues. */
function paged(name: string, firstSize: number): Weather {
  return {
    name,
    lastsMs: 5 * MINUTE_MS,
    source: 'GitHub Docs, "Using pagination in the REST API": the header link, and not the number of rows, ends a list',
    fits: (moment, answer) => isRead(moment) && findRows(answer) !== undefined && toPage(moment) === 1,
    async meet(moment, proceed) {
      const page = toPage(moment);
      const key = String(Object(moment.input).path).replace(/([?&])page=\d+&?/, "$1");
      const answer = page === 1 ? await proceed() : undefined;
      const list = page === 1 ? findRows(answer) : lists.get(key);
      if (list === undefined) return answer ?? proceed();
      lists.set(key, list);
      const [from, to] = page === 1 ? [0, firstSize] : [firstSize + page - 2, firstSize + page - 1];
      const link = `<http://github.test/next?page=${page + 1}>; rel="next"`;
      return toAnswer(200, list.with(list.rows.slice(from, to)), to < list.rows.length ? { link } : {});
    },
  };
}

function toPage({ input }: Moment): number {
  return Number(/[?&]page=(\d+)/.exec(String(Object(input).path))?.[1] ?? 1);
}

/** The ways in which GitHub, the network and machines misbehave, each with its source. */
export const hostWeathers: readonly Weather[] = [
  ...commonWeathers.map((weather) =>
    weather.name === "reset after"
      ? { ...weather, fits: (moment: Moment, answer: unknown) => isWrite(moment) && weather.fits(moment, answer) }
      : weather,
  ),
  refusing({
    name: "throttled",
    source: 'GitHub Docs, "Rate limits for the REST API": a secondary rate limit has the header retry-after',
    answer: () => toAnswer(403, { message: "You have exceeded a secondary rate limit." }, { "retry-after": "60" }),
  }),
  refusing({
    name: "throttled 30 min",
    source: 'GitHub Docs, "Rate limits for the REST API": x-ratelimit-remaining is 0 until x-ratelimit-reset',
    lastsMs: 30 * MINUTE_MS,
    answer: (now) =>
      toAnswer(
        403,
        { message: "API rate limit exceeded for installation." },
        { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(Math.ceil(now / SECOND_MS) + 1_800) },
      ),
  }),
  refusing({
    name: "server error",
    source: "renovatebot/renovate#513, chaoss/grimoirelab-perceval#471: 502 Bad Gateway",
    answer: broken,
  }),
  refusing({
    name: "server error after",
    source: "probot/probot#921: an error for a comment that was created",
    isServed: true,
    answer: broken,
  }),
  failingWeather({
    name: "silent",
    source: "GitHub Docs, Troubleshooting the REST API, Timeouts: no answer, then the client's own limit",
    isServed: true,
    error: () => new DOMException(`No response within ${CLIENT_LIMIT_MS} ms`, "TimeoutError"),
  }),
  refusing({
    name: "denied",
    source: "GitHub Docs, Troubleshooting the REST API: a right was taken away, or is not granted yet",
    answer: denied,
  }),
  refusing({
    name: "denied 2 min",
    source: "GitHub Docs, Troubleshooting the REST API: a right was taken away, or is not granted yet",
    lastsMs: 2 * MINUTE_MS,
    answer: denied,
  }),
  refusing({
    name: "unauthorized",
    source: "GitHub Docs, Token expiration and revocation: a token ends before its hour",
    answer: () => toAnswer(401, { message: "Bad credentials" }),
  }),
  {
    ...refusing({
      name: "untrusted",
      source: "GitHub Docs, Suspending a GitHub App installation: the app is blocked from what the account owns",
      lastsMs: 20 * MINUTE_MS,
      answer: () => toAnswer(403, { message: "This installation has been suspended" }),
    }),
    isEverywhere: true,
  },
  {
    ...refusing({
      name: "uninstalled",
      source: "GitHub Docs, Reviewing and modifying installed GitHub Apps: 404 for an installation that is gone",
      lastsMs: 20 * MINUTE_MS,
      answer: () => toAnswer(404, { message: "Not Found" }),
    }),
    isEverywhere: true,
  },
  {
    name: "gone",
    source: "GitHub Docs, Delete an issue comment: whoever may write to the repository deletes the comment of an app",
    fits: (moment, answer) => findCommentId(moment, answer) !== undefined,
    async meet(moment, proceed, world) {
      const answer = await proceed();
      const id = findCommentId(moment, answer);
      if (id !== undefined) await world.act("GitHub.deleteComment", { id });
      return answer;
    },
  },
  missing("missing"),
  missing("missing 30 s", 30 * SECOND_MS),
  {
    name: "stale",
    source: "salemove/github-review-helper PR 33, runatlantis/atlantis PR 1131: a replica that is behind",
    fits: (moment) => isRead(moment) && moment.earlier.length > 0,
    meet: async ({ earlier }) => earlier.at(-1)?.answer,
  },
  paged("short page", 1),
  paged("empty page", 0),
];
