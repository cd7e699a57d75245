import type { DeployStack } from "@stackyard/sdk";
import { To } from "../links.tsx";
import { Mark, type Status } from "../mark.tsx";
import { Reason } from "../text.tsx";

type State = DeployStack["state"];

const STATUS: Readonly<Record<State, readonly [Status, string]>> = {
  waiting: ["queued", "Waiting"],
  sent: ["running", "On its way"],
  done: ["succeeded", "Done"],
  unchanged: ["quiet", "Unchanged"],
  failed: ["failed", "Failed"],
  skipped: ["skipped", "Skipped"],
  unsent: ["cancelled", "Not sent"],
  undone: ["skipped", "Undone"],
};

/** Returns the word of how far a stack of a deployment is. */
export function wordOfDeploy(state: State): string {
  return STATUS[state][1];
}

interface DeployStateProps extends Pick<DeployStack, "state" | "approving"> {
  readonly stackId: string;
}

/** Renders how far a stack of a deployment is, and where it waits for an approval of its own. */
export function DeployState({ state, approving, stackId }: DeployStateProps) {
  const [status, word] = STATUS[state];
  if (!approving) return <Mark status={status} word={word} />;
  return (
    <>
      <Mark status="approval" word={word} />{" "}
      <To path="/stack" search={{ id: stackId }}>
        waits for an approval
      </To>
    </>
  );
}

/** Renders why a stack of a deployment waits, has failed or was skipped. */
export function DeployWhy({ code, message }: Pick<DeployStack, "code" | "message">) {
  const text = <Reason reason={message ?? ""} code={code} />;
  if (code !== "FROZEN") return text;
  return (
    <>
      {text} <To path="/freezes">Freezes</To>
    </>
  );
}
