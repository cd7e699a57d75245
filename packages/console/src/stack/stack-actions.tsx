import type { StackDetails } from "@stackyard/sdk";
import { useState } from "react";
import { yard } from "../api/client.ts";
import { newEventId } from "../api/event-id.ts";
import { JOB_MACHINE } from "../api/status.ts";
import { Button } from "../design/button.tsx";
import { To } from "../design/links.tsx";
import { ErrorNotice } from "../design/page.tsx";
import { useOperateRefusal } from "./refusals.ts";
import { SendDialog } from "./send-dialog.tsx";
import type { StackProps } from "./source.ts";
import { CancelDialog, RemoveDialog, SettleDialog } from "./task-dialogs.tsx";
import { findCancelRefusal } from "./tasks-panel.tsx";
import { UpgradeDialog } from "./upgrade-dialog.tsx";
import { useOperation, useRetry } from "./use-operation.tsx";

type DialogName = "send" | "cancel" | "settle" | "upgrade" | "remove";

/** Renders the actions on a stack. A disabled one explains why. */
export function StackActions({ source, stack }: StackProps) {
  const [open, setOpen] = useState<DialogName>();
  const { send, operate, repair, cancel, settle, upgrade } = useRefusals({ source, stack });
  const close = () => setOpen(undefined);
  const dialog = { stack, onClose: close };
  const actions: readonly (readonly [DialogName, string, string | undefined])[] = [
    ["send", "Send event…", send],
    ["cancel", "Cancel…", cancel],
    ["settle", "Settle…", settle],
    ["upgrade", "Upgrade…", upgrade],
  ];
  return (
    <div className="stack-v">
      <div className="row" role="toolbar" aria-label="Actions">
        <RetryButton stack={stack} refusal={operate} />
        {stack.degraded && <AcknowledgeButton stack={stack} refusal={operate} />}
        <LogButton source={source} stack={stack} />
        {actions.map(([name, title, refusal]) => (
          <Button key={name} refusal={refusal} onPress={() => setOpen(name)}>
            {title}
          </Button>
        ))}
        <Button look="danger" refusal={repair} onPress={() => setOpen("remove")}>
          Remove…
        </Button>
        {source.path === "/stack" && (
          <To path="/bundle" search={{ id: stack.id }} className="button">
            Bundle
          </To>
        )}
      </div>
      {open === "send" && <SendDialog {...dialog} source={source} refusal={send} />}
      {open === "cancel" && <CancelDialog {...dialog} refusal={operate} />}
      {open === "settle" && <SettleDialog {...dialog} refusal={repair} />}
      {open === "upgrade" && <UpgradeDialog {...dialog} refusal={upgrade} />}
      {open === "remove" && <RemoveDialog {...dialog} refusal={repair} />}
    </div>
  );
}

/** Returns why each action is disabled; undefined if it is enabled. */
function useRefusals({ source, stack }: StackProps) {
  const operate = useOperateRefusal(source, stack, "operate");
  const repair = useOperateRefusal(source, stack, "repair");
  const send = useOperateRefusal(source, stack, "send");
  const { tasks, machine } = stack;
  const ofJob = machine === JOB_MACHINE ? "A job has no machine: it is one task" : undefined;
  const noneToCancel = tasks.some((task) => findCancelRefusal(task) === undefined) ? undefined : "No task is running";
  const noneToSettle = tasks.some(({ status }) => status !== "SATISFIED") ? undefined : "No task is open or has failed";
  return {
    operate,
    repair,
    send: send ?? ofJob,
    upgrade: repair ?? ofJob,
    cancel: operate ?? noneToCancel,
    settle: repair ?? noneToSettle,
  };
}

/** Retries all failed tasks at once. */
function RetryButton({ stack, refusal }: { stack: StackDetails; refusal: string | undefined }) {
  const { retry, notice } = useRetry(stack.id);
  const failed = stack.tasks.filter(({ status }) => status === "ERROR").length;
  const missing = failed === 0 ? "No task has failed" : undefined;
  return (
    <>
      <Button
        shortcut="r"
        {...(missing === undefined && { look: "primary" as const })}
        refusal={refusal ?? missing}
        onPress={() => void retry()}
      >
        {failed > 1 ? `Retry ${failed}` : "Retry"}
      </Button>
      {notice}
    </>
  );
}

/** Acknowledges the last failure of a degraded stack. */
function AcknowledgeButton({ stack, refusal }: { stack: StackDetails; refusal: string | undefined }) {
  const run = useOperation(stack.id);
  const [error, setError] = useState<unknown>();
  const acknowledge = async () => {
    setError(undefined);
    try {
      await run("Acknowledge", () => yard.stacks.acknowledge(stack.id, { id: newEventId() }));
    } catch (thrown) {
      setError(thrown);
    }
  };
  return (
    <>
      <Button look="primary" refusal={refusal} onPress={() => void acknowledge()}>
        Acknowledge
      </Button>
      {error !== undefined && <ErrorNotice error={error} />}
    </>
  );
}

/** Opens the log that matters most: of a failed task, else of one that runs, else the newest. */
function LogButton({ source, stack: { tasks, attempts } }: StackProps) {
  const failed = tasks.find(({ status, attempt }) => status === "ERROR" && attempt !== undefined);
  const running = tasks.find(({ status, attempt }) => status === "PENDING" && attempt !== undefined);
  const attemptId = (failed ?? running)?.attempt?.attemptId ?? attempts[0]?.attemptId;
  if (attemptId === undefined || source.path !== "/stack") {
    return <Button refusal={source.refusal ?? "No attempt was made"}>Log</Button>;
  }
  return (
    <span data-shortcut="l">
      <To path="/log" search={{ attempt: attemptId }} className="button">
        Log
      </To>
    </span>
  );
}
