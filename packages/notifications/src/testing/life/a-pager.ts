import { isMap, parseJson } from "@stackyard/core";
import type { JsonPost, PostAnswer } from "../../post-json.ts";

/** An alert of the pager. */
interface PagerAlert {
  readonly key: string;
  /** The instant that the trigger names. */
  readonly since: number;
  readonly openedAt: number;
  /** When it was ended; undefined while it is open. */
  endedAt: number | undefined;
  /** Who ended it. */
  endedBy: "yard" | "person" | undefined;
}

/** PagerDuty as its Events API v2 documents it: a trigger opens one alert for each key, or adds to the open one. */
export interface Pager {
  /** Oldest first. */
  readonly alerts: readonly PagerAlert[];
  /** Answers that come before any other, in their order. */
  readonly refuses: number[];
  /** Until then each request is answered with this status. */
  down: { readonly until: number; readonly status: number } | undefined;
  take(post: JsonPost, now: number): PostAnswer;
  /** Ends all open alerts as a person. */
  endAll(now: number): void;
}

const toAnswer = (status: number): PostAnswer => ({ status, text: "", retryAfterMs: undefined });

/** Opens a pager without alerts. */
export function aPager(): Pager {
  const alerts: PagerAlert[] = [];
  const findOpen = (key: string) => alerts.find((each) => each.key === key && each.endedAt === undefined);
  const end = (alert: PagerAlert | undefined, endedAt: number, endedBy: "yard" | "person") =>
    alert && Object.assign(alert, { endedAt, endedBy });

  function takeEvent(event: Readonly<Record<string, unknown>>, now: number): void {
    const key = String(event["dedup_key"]);
    const open = findOpen(key);
    if (event["event_action"] === "resolve") end(open, now, "yard");
    else if (open === undefined) {
      const { timestamp } = isMap(event["payload"]) ? event["payload"] : {};
      const since = Date.parse(String(timestamp));
      alerts.push({ key, since, openedAt: now, endedAt: undefined, endedBy: undefined });
    }
  }

  const pager: Pager = {
    alerts,
    refuses: [],
    down: undefined,
    take({ body }, now) {
      const refused = pager.refuses.shift();
      if (refused !== undefined) return toAnswer(refused);
      if (pager.down !== undefined && now < pager.down.until) return toAnswer(pager.down.status);
      const event = parseJson(body);
      if (!isMap(event)) return toAnswer(400);
      takeEvent(event, now);
      return toAnswer(202);
    },
    endAll(now) {
      for (const { key } of alerts) end(findOpen(key), now, "person");
    },
  };
  return pager;
}
