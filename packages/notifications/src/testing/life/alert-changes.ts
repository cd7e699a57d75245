import type { Weather } from "@stackyard/core/testing";
import { type AlertLife, enter, HOUR_MS, MINUTE_MS, writeDocument } from "./an-alert-life.ts";

/** What a person, a tool or a provider changes between two looks of a server. */
interface AlertChange {
  readonly name: string;
  /** The page of the service, or the public report, in which it happens. */
  readonly source: string;
  act(life: AlertLife): Promise<void> | void;
  /** The documented way back, which is played before the stack is removed. */
  readonly back?: (life: AlertLife) => Promise<void> | void;
}

/** Writes a change into the document, and undoes it on the way back. */
function inDocument(
  name: string,
  source: string,
  changes: Parameters<typeof writeDocument>[1] & object,
  note: string,
): AlertChange {
  let before: Parameters<typeof writeDocument>[1];
  return {
    name,
    source,
    act(life) {
      before = life.document;
      life.acts.add(note);
      writeDocument(life, changes);
    },
    back(life) {
      writeDocument(life, before);
    },
  };
}

/** Lets a receiver answer with a status for a time. */
function down(status: number, ms: number) {
  return (life: AlertLife): void => {
    life.acts.add("quiet");
    life.pager.down = { until: life.bench.clock.now() + ms, status };
  };
}

const alertChanges: readonly AlertChange[] = [
  inDocument("the rule is renamed", "erikdarlingdata/PerformanceMonitor#3546", { rule: "broken" }, "renamed"),
  inDocument(
    "the pager is taken out of the rule",
    "getsentry/sentry#74970, prometheus/alertmanager#3664",
    { to: ["team"] },
    "quiet",
  ),
  inDocument("the room is taken out of the rule", "getsentry/sentry#74970", { to: ["pager"] }, "quiet"),
  inDocument("the rule is removed", "elastic/kibana#112354", { isThere: false }, "quiet"),
  inDocument("nothing resolves any more", "elastic/kibana#110080", { resolve: undefined }, "resolve"),
  inDocument(
    "another end resolves",
    "traceroot-ai/traceroot#2143",
    { resolve: "entry.event == 'REOPENED'" },
    "resolve",
  ),
  inDocument("repetitions are held back", "netdata/netdata-cloud#820", { dedupe: "1h" }, "quiet"),
  {
    name: "a person resolves the alert",
    source: "rajnandan1/kener#370",
    act({ acts, pager, bench }) {
      acts.add("quiet");
      pager.endAll(bench.clock.now());
    },
  },
  {
    name: "a person deletes the message",
    source: "vllm-project/vllm-dashboard#140",
    act({ acts, room }) {
      acts.add("deleted");
      room.deleteAll();
    },
  },
  {
    name: "the pager refuses one event",
    source: "louislam/uptime-kuma#5322",
    act({ acts, pager }) {
      acts.add("quiet");
      pager.refuses.push(429);
    },
  },
  {
    name: "the pager is down for an hour",
    source: "louislam/uptime-kuma#5322",
    act: down(503, HOUR_MS),
  },
  {
    name: "the pager is down for a day",
    source: "louislam/uptime-kuma#5322",
    act: down(503, 25 * HOUR_MS),
  },
  {
    name: "the key of the pager is revoked",
    source: "the page of the Events API v2: an answer of 403",
    act: down(403, 10 * HOUR_MS),
    back({ pager }) {
      pager.down = undefined;
    },
  },
  {
    name: "the token of the room is revoked",
    source: "the page of chat.postMessage: token_revoked",
    act({ acts, room }) {
      acts.add("revoked");
      room.isRevoked = true;
    },
    back({ room }) {
      room.isRevoked = false;
    },
  },
  {
    name: "the server is started again",
    source: "grafana/grafana#68162",
    act(life) {
      life.acts.add("restart");
      life.process = life.bench.start();
    },
  },
  {
    name: "no server runs",
    source: "prometheus/alertmanager#2417",
    act(life) {
      life.acts.add("quiet");
      life.process = undefined;
    },
    back(life) {
      life.process = life.bench.start();
    },
  },
  {
    name: "no server runs for two days",
    source: "netdata/netdata-cloud#820",
    async act(life) {
      life.acts.add("quiet");
      await life.bench.clock.advance(48 * HOUR_MS);
    },
  },
  {
    name: "the stack is removed and made anew",
    source: "netdata/netdata-cloud#820, OneUptime/oneuptime#772",
    async act(life) {
      life.acts.add("anew");
      enter(life, "gone");
      await life.bench.clock.advance(MINUTE_MS);
      enter(life, "LIVE");
    },
  },
];

const AND_BACK = ", and back";

/** The changes as weathers: the life plays the one that a look names. */
export const alertSeasons: readonly Weather[] = alertChanges.flatMap(({ name, source, back }) =>
  [name, ...(back === undefined ? [] : [`${name}${AND_BACK}`])].map(
    (each): Weather => ({
      name: each,
      source,
      fits: ({ operation }) => operation.startsWith("look."),
      async meet(_, proceed, world) {
        await world.act(each, {});
        return proceed();
      },
    }),
  ),
);

/** Plays the change of a weather's name. */
export async function actInLife(life: AlertLife, name: string): Promise<void> {
  const change = alertChanges.find((each) => each.name === name.replace(AND_BACK, ""));
  if (change === undefined) return;
  await change.act(life);
  if (name.endsWith(AND_BACK) && change.back !== undefined) life.backs.push(async (each) => change.back?.(each));
}
