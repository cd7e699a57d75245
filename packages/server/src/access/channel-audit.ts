import { defined, isStackyardError } from "@stackyard/core";
import type { AuditSubject, AuditWriter, Sender } from "@stackyard/core/access";

/** A request that may come over a channel. */
interface ChannelRequest {
  readonly route: { readonly operationId: string; readonly access: { readonly permission: string } };
  readonly caller: { readonly sender: Sender; readonly tool?: string };
  readonly params: Readonly<Record<string, string>>;
}

/** Answers a request, and records it in the audit log if it comes over a channel. */
export type AuditChannel = (request: ChannelRequest, answer: () => Promise<Response>) => Promise<Response>;

/**
 * Creates the record of what comes over channels. A read is recorded with its outcome before it is answered, and anything
 * else also before it begins. Throws `STORE_UNAVAILABLE` when the line cannot be stored. Denied requests have a line of their
 * own, as those of all callers: `isDenial` knows their codes.
 */
export function createChannelAudit(audit: AuditWriter, isDenial: (code: string) => boolean): AuditChannel {
  return async ({ route, caller: { sender, tool }, params }, answer) => {
    if (sender.channel === undefined) return answer();
    const line = { action: route.operationId, who: sender, via: sender.channel, on: toSubject(params) };
    const action = { ...line, ...defined({ reason: tool }) };
    if (route.access.permission !== "read") return audit.run(action, answer);
    const response = await answer().catch(async (error: unknown) => {
      const code = isStackyardError(error) ? error.code : "INTERNAL";
      if (!isDenial(code)) await audit.write({ ...action, outcome: "failed", code });
      throw error;
    });
    await audit.write({ ...action, outcome: "done" });
    return response;
  };
}

function toSubject({
  stackId,
  attemptId,
  eventId,
  jobId,
  bulkId,
  name: machine,
}: ChannelRequest["params"]): AuditSubject {
  return defined({ stackId, attemptId, eventId, jobId, bulkId, machine });
}
