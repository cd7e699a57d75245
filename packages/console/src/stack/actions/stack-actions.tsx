import type { StackDetails } from "@stackyard/sdk";
import { lazy, Suspense, useState } from "react";
import { findAddress } from "../../api/stack-facts.ts";
import { JOB_MACHINE } from "../../api/status.ts";
import { useRetry } from "../../app/use-operation.tsx";
import { Button } from "../../design/button.tsx";
import { Icon } from "../../design/icon.tsx";
import { To } from "../../design/links.tsx";
import { Menu } from "../../design/menu.tsx";
import { Text } from "../../design/text.tsx";
import { useOperateRefusal } from "../refusals.ts";
import type { StackProps } from "../source.ts";
import { findCancelRefusal } from "../tasks-panel.tsx";
import { findNextStep } from "./next-step.ts";
import { SendDialog } from "./send-dialog.tsx";
import { AcknowledgeDialog, CancelDialog, RemoveDialog, SettleDialog } from "./task-dialogs.tsx";

// Upgrades are rare: their code is loaded with the first one.
const UpgradeDialog = lazy(async () => ({ default: (await import("./upgrade-dialog.tsx")).UpgradeDialog }));

type DialogName = "send" | "cancel" | "acknowledge" | "settle" | "upgrade" | "remove";

/**
 * Renders the actions on a stack: the next step, its log and *Send event…* in a row, the others in a menu. One that the person
 * may not do explains why; those that make no sense in the present state are in the menu, with the reason.
 */
export function StackActions({ source, stack }: StackProps) {
  const [open, setOpen] = useState<DialogName>();
  const { send, operate, repair, upgrade, senseless } = useRefusals({ source, stack });
  // Nothing can be done to the stack of a file, and its panels have the logs.
  if (source.refusal !== undefined) return null;
  const close = () => setOpen(undefined);
  const dialog = { stack, onClose: close };
  const next = findNextStep(stack);
  const rare = [
    ["cancel", "Cancel…", operate],
    ["acknowledge", "Acknowledge…", operate],
    ["settle", "Settle…", repair],
    ["upgrade", "Upgrade…", upgrade],
  ] as const;
  const hasSense = ([name]: readonly [DialogName | "retry", ...unknown[]]) => senseless[name] === undefined;
  const others = [["retry", "Retry"] as const, ["send", "Send event…"] as const, ...rare].filter(
    (action) => !hasSense(action),
  );
  return (
    <div className="stack-v stack-actions">
      <div className="row stack-toolbar" role="toolbar" aria-label="Actions">
        {next === "retry" && <RetryButton stack={stack} refusal={operate} />}
        {next === "review" && <ReviewLink stack={stack} />}
        {next === "open" && <OpenLink stack={stack} />}
        <LogButton stack={stack} isNext={next === "log"} />
        {senseless.send === undefined && (
          <Button refusal={send} {...(next === "send" && { look: "primary" })} onPress={() => setOpen("send")}>
            Send event…
          </Button>
        )}
        <Menu label="More actions" face={<Icon name="more" />}>
          {(closeMenu) => {
            const choose = (name: DialogName) => {
              closeMenu();
              setOpen(name);
            };
            return (
              <>
                {rare.filter(hasSense).map(([name, title, refusal]) => (
                  <Button key={name} look="plain" refusal={refusal} onPress={() => choose(name)}>
                    {title}
                  </Button>
                ))}
                <span data-shortcut="b">
                  <To path="/bundle" search={{ id: stack.id }}>
                    Bundle
                  </To>
                </span>
                <Button look="danger" refusal={repair} onPress={() => choose("remove")}>
                  Remove…
                </Button>
                {others.map(([name, title]) => (
                  <Button key={name} look="plain" refusal={senseless[name]}>
                    {title}
                  </Button>
                ))}
              </>
            );
          }}
        </Menu>
      </div>
      {open === "send" && <SendDialog {...dialog} source={source} refusal={send} />}
      {open === "cancel" && <CancelDialog {...dialog} refusal={operate} />}
      {open === "acknowledge" && <AcknowledgeDialog {...dialog} refusal={operate} />}
      {open === "settle" && <SettleDialog {...dialog} refusal={repair} />}
      <Suspense>{open === "upgrade" && <UpgradeDialog {...dialog} refusal={upgrade} />}</Suspense>
      {open === "remove" && <RemoveDialog {...dialog} refusal={repair} />}
    </div>
  );
}

/** Returns why the person may not do what, and which actions make no sense in the present state. */
function useRefusals({ source, stack }: StackProps) {
  const operate = useOperateRefusal(source, stack, "operate");
  const repair = useOperateRefusal(source, stack, "repair");
  const send = useOperateRefusal(source, stack, "send");
  const { tasks, machine } = stack;
  const ofJob = machine === JOB_MACHINE ? "A job has no machine: it is one task" : undefined;
  const hasFailed = tasks.some(({ status }) => status === "ERROR");
  const noneToCancel = tasks.some((task) => findCancelRefusal(task) === undefined) ? undefined : "No task is running";
  const noneToSettle = tasks.some(({ status }) => status !== "SATISFIED") ? undefined : "No task is open or has failed";
  const noneToAcknowledge = !stack.degraded
    ? "The stack is not degraded"
    : stack.lastFailure?.acknowledged && "The failure is acknowledged";
  const senseless: Readonly<Partial<Record<DialogName | "retry", string | undefined>>> = {
    retry: hasFailed ? undefined : "No task has failed",
    send: ofJob,
    upgrade: ofJob,
    acknowledge: noneToAcknowledge,
    cancel: noneToCancel,
    settle: noneToSettle,
  };
  return { operate, repair, send: send ?? ofJob, upgrade: repair ?? ofJob, senseless };
}

/** Retries all failed tasks at once. One is named; of several there is the number. */
function RetryButton({ stack, refusal }: { stack: StackDetails; refusal: string | undefined }) {
  const { retry, notice } = useRetry(stack);
  const failed = stack.tasks.filter(({ status }) => status === "ERROR");
  const what = failed.length === 1 ? failed.map(({ name }) => name).join() : `${failed.length} tasks`;
  return (
    <>
      <Button shortcut="r" look="primary" refusal={refusal} onPress={() => retry()}>
        <span className="cut">
          Retry <Text>{what}</Text>
        </span>
      </Button>
      {notice}
    </>
  );
}

/** Leads to what waits for a decision. */
function ReviewLink({ stack: { approvals = [] } }: Pick<StackProps, "stack">) {
  const [approval] = approvals;
  if (approval === undefined) return null;
  const { stackId, task } = approval;
  return (
    <To path="/approval" search={{ stack: stackId, task }} className="button primary">
      <span className="cut">
        Review <Text>{task}</Text>
      </span>
    </To>
  );
}

/** Opens the environment, which is what the stack is for. */
function OpenLink({ stack: { metadata } }: Pick<StackProps, "stack">) {
  const address = findAddress(metadata);
  if (address === undefined) return null;
  return (
    <a className="button primary" href={address.href} target="_blank" rel="noopener noreferrer">
      Open<span className="hidden-visually"> {address.host} in a new tab</span>
    </a>
  );
}

/** Opens the log that matters most: of a failed task, else of one that runs, else the newest; nothing before the first attempt. */
function LogButton({ stack: { tasks, attempts }, isNext }: LogProps) {
  const failed = tasks.find(({ status, attempt }) => status === "ERROR" && attempt !== undefined);
  const running = tasks.find(({ status, attempt }) => status === "PENDING" && attempt !== undefined);
  const attemptId = (failed ?? running)?.attempt?.attemptId ?? attempts[0]?.attemptId;
  if (attemptId === undefined) return null;
  return (
    <span data-shortcut="l">
      <To path="/log" search={{ attempt: attemptId }} className={isNext ? "button primary" : "button"}>
        Log
      </To>
    </span>
  );
}

interface LogProps extends Pick<StackProps, "stack"> {
  /** It is what one most likely does next. */
  readonly isNext: boolean;
}
