import { defined, FREEZE_NAME, MAX_FILTER, MAX_NAME, MAX_SHORT_REASON } from "@stackyard/core";
import type { Freeze } from "@stackyard/core/api";
import { useState } from "react";
import { yard } from "../api/client.ts";
import { ActionDialog } from "../design/dialog.tsx";
import { TextField } from "../design/fields.tsx";
import { useSettings } from "../design/settings.ts";
import { useToast } from "../design/toasts.tsx";
import { nameZone, parsePickedTime } from "../text/picked-time.ts";

/** An action on freezes. */
export type FreezeAction =
  | { readonly kind: "start" }
  | ({ readonly kind: "except" } & SeenFreeze)
  | ({ readonly kind: "end" } & SeenFreeze);

/** The freeze as it was when its dialog was opened: another one may get the name meanwhile. */
type SeenFreeze = Pick<Freeze, "name" | "startedAt">;

interface DialogProps<Action> {
  readonly action: Action;
  readonly onClose: () => void;
}

/** Renders the dialog of an action. */
export function FreezeDialog({ action, onClose }: DialogProps<FreezeAction>) {
  if (action.kind === "start") return <StartDialog onClose={onClose} />;
  if (action.kind === "except") return <ExceptDialog action={action} onClose={onClose} />;
  return <EndDialog action={action} onClose={onClose} />;
}

const NAME = new RegExp(FREEZE_NAME);

function StartDialog({ onClose }: { onClose: () => void }) {
  const toast = useToast();
  const { zone } = useSettings();
  const [name, setName] = useState("");
  const [machine, setMachine] = useState("");
  const [where, setWhere] = useState("");
  const [to, setTo] = useState("");
  const isNamed = NAME.test(name);
  return (
    <ActionDialog
      title="Start a freeze"
      verb="Start"
      reason="required"
      reasonLimit={MAX_SHORT_REASON}
      refusal={isNamed ? undefined : "Enter a name of lower-case letters, digits and hyphens first"}
      onClose={onClose}
      act={async (reason = "") => {
        const scope = { machine: machine || undefined, where: where || undefined };
        const end = parsePickedTime(to, zone);
        await yard.freezes.start({ name, reason, ...defined({ ...scope, to: end }) });
        toast(`${name} was started.`);
      }}
    >
      <p>
        Releases send no new events to the stacks that it matches. You need the permission repair for all of them,
        including later ones.
      </p>
      <TextField title="Name" value={name} onChange={setName} />
      <TextField title="Machine (empty: all)" value={machine} onChange={setMachine} maxLength={MAX_NAME} />
      <TextField title="Only stacks with (CEL, empty: all)" value={where} onChange={setWhere} maxLength={MAX_FILTER} />
      <TextField
        title={`Until, in ${nameZone(zone)} (empty: a person ends it)`}
        type="datetime-local"
        value={to}
        onChange={setTo}
      />
    </ActionDialog>
  );
}

function ExceptDialog({ action: { name, startedAt }, onClose }: DialogProps<SeenFreeze>) {
  const toast = useToast();
  const [release, setRelease] = useState("");
  return (
    <ActionDialog
      title={`Let a release pass ${name}`}
      verb="Let pass"
      reason="required"
      reasonLimit={MAX_SHORT_REASON}
      refusal={release.trim() === "" ? "Enter the id of the release first" : undefined}
      onClose={onClose}
      act={async (reason = "") => {
        await yard.freezes.except(name, { release: release.trim(), reason, seen: startedAt });
        toast(`${release.trim()} passes ${name}.`);
      }}
    >
      <p>Only this release sends although the freeze holds. The reason is recorded with your name.</p>
      <TextField title="Release (the id of its stack)" value={release} onChange={setRelease} maxLength={MAX_NAME} />
    </ActionDialog>
  );
}

function EndDialog({ action: { name, startedAt }, onClose }: DialogProps<SeenFreeze>) {
  const toast = useToast();
  return (
    <ActionDialog
      title={`End ${name}`}
      verb="End"
      danger
      reason="optional"
      reasonLimit={MAX_SHORT_REASON}
      onClose={onClose}
      act={async (reason) => {
        await yard.freezes.end(name, { seen: startedAt, ...defined({ reason }) });
        toast(`${name} has ended. Releases continue within a minute.`);
      }}
    >
      <p>All releases that wait for it continue within a minute.</p>
    </ActionDialog>
  );
}
