import { resolve } from "node:path";
import type { ExecutorsContext } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { sendNotification } from "./channels/send-notification.ts";
import { loadNotifications } from "./load-notifications.ts";
import type { NotificationsOptions } from "./notifications-service.ts";
import type { PostJson } from "./post-json.ts";

const EXAMPLE = { id: "0", kind: "trigger", incident: "0", rule: "test", title: "Test", text: "", at: 0 } as const;

/** Returns the addresses of all channels but mail, each once: those to which an example would be sent. Sends nothing. */
export async function findAddresses(
  { document = "notifications.yaml" }: NotificationsOptions,
  { projectDir, readSecret }: Pick<ExecutorsContext, "projectDir" | "readSecret">,
): Promise<readonly string[]> {
  const { channels } = await loadNotifications(resolve(projectDir, document));
  const found = new Set<string>();
  const post: PostJson = async ({ url }) => {
    found.add(new URL(url).origin);
    return { status: 200, text: "{}", retryAfterMs: undefined };
  };
  const { records } = createMemoryStore();
  const deps = { post, readSecret, records, clock: { now: () => 0 }, signal: new AbortController().signal };
  for (const [name, options] of channels) {
    if (options.type !== "email") await sendNotification(deps, { name, options }, EXAMPLE);
  }
  return [...found];
}
