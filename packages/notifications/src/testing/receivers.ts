import type { JsonPost, PostAnswer } from "../post-json.ts";

const taken = (status: number, text = ""): PostAnswer => ({ status, text, retryAfterMs: undefined });

/** Creates what takes events in the order in which they come, as PagerDuty: the end of an unknown alert has no effect. */
export function createPager() {
  const alerts = new Map<string, "open" | "resolved">();
  const actions: string[] = [];
  return {
    actions,
    open: () => [...alerts.values()].filter((state) => state === "open").length,
    take({ body }: JsonPost): PostAnswer {
      const { event_action, dedup_key } = JSON.parse(body);
      actions.push(event_action);
      if (event_action === "trigger") alerts.set(dedup_key, "open");
      else if (alerts.has(dedup_key)) alerts.set(dedup_key, "resolved");
      return taken(202);
    },
  };
}

/** Creates what shows each message as Slack does: a text stays until it is edited. */
export function createChat() {
  const messages = new Map<string, string>();
  return {
    shown: () => [...messages.values()],
    take({ body }: JsonPost): PostAnswer {
      const { text, ts = `${messages.size + 1}.0` } = JSON.parse(body);
      messages.set(ts, text);
      return taken(200, JSON.stringify({ ok: true, ts }));
    },
  };
}
