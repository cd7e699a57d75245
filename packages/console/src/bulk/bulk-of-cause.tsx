import { defined } from "@stackyard/core";
import type { BulkRequest, Cause } from "@stackyard/sdk";
import { useState } from "react";
import { useAnyRefusal } from "../api/access.ts";
import { toFailure, yard } from "../api/client.ts";
import { Button } from "../design/button.tsx";
import { toRetryOfCause } from "../design/causes.tsx";
import { useToast } from "../design/toasts.tsx";
import { BulkButton, BulkDialog } from "./bulk-dialog.tsx";
import { BulkInput } from "./bulk-input.tsx";

/**
 * Renders the way out for the stacks of a failure: a retry, or of those that have moved on, an event that their state
 * handles. That a person has seen a failure repairs nothing, so it is never the action of a cause.
 */
export function BulkOfCause({ cause }: { cause: Cause }) {
  const { kind, task, count } = cause;
  if (kind === "degraded") return <SendToCause cause={cause} />;
  return (
    <BulkButton request={toRetryOfCause(cause)}>
      Retry {count === 1 && task !== undefined ? task : count.toLocaleString("en")}…
    </BulkButton>
  );
}

/** Sends an event to the stacks of a cause: those that the state of the newest one handles are offered. */
function SendToCause({ cause: { task, code = "", count, sample } }: { cause: Cause }) {
  const [events, setEvents] = useState<readonly string[]>();
  const [request, setRequest] = useState<BulkRequest>();
  const refusal = useAnyRefusal("send");
  const toast = useToast();
  const isOne = count === 1;
  const open = async () => {
    try {
      const { waitsFor } = await yard.stacks.get(sample.stackId);
      setEvents(waitsFor?.events ?? []);
    } catch (error) {
      toast(`Send an event: ${toFailure(error).detail}`, "fail");
    }
  };
  return (
    <>
      <Button refusal={refusal} onPress={open} {...(isOne && { label: `Send event… to ${sample.stackId}` })}>
        {isOne ? "Send event…" : `Send event to ${count.toLocaleString("en")}…`}
      </Button>
      {events !== undefined && (
        <BulkInput
          operation="send"
          events={events}
          onClose={() => setEvents(undefined)}
          onInput={(body) => {
            setEvents(undefined);
            setRequest({ operation: "send", filter: { condition: "degraded", code, ...defined({ task }) }, body });
          }}
        />
      )}
      {request !== undefined && <BulkDialog request={request} onClose={() => setRequest(undefined)} />}
    </>
  );
}
