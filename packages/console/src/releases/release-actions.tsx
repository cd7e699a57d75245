import { defined } from "@stackyard/core";
import type { Release } from "@stackyard/sdk/releases";
import { useState } from "react";
import { useRefusal } from "../api/access.ts";
import { queryClient, yard } from "../api/client.ts";
import { JOB_MACHINE } from "../api/status.ts";
import { Button, type ButtonProps } from "../design/button.tsx";
import { ActionDialog, type ActionProps } from "../design/dialog.tsx";
import { Icon } from "../design/icon.tsx";
import { useGo } from "../design/links.tsx";
import { Menu } from "../design/menu.tsx";
import { useToast } from "../design/toasts.tsx";
import { formatRelease, isOver, releases } from "./release-status.ts";

// The predecessor's path: from this state on traffic moves, and a halt would leave two versions in service.
const AFTER_TRAFFIC = new Set(["CleanUpSuccess", "Success", "DetachForSuccess", "WaitDetachForSuccess"]);

interface Action extends Pick<ActionProps, "verb" | "danger" | "reason" | "typed"> {
  readonly text: string;
  /** Returns the run to open. */
  readonly act: (reason: string | undefined) => Promise<Pick<Release, "jobId">>;
  readonly refusal: string | undefined;
  /** Why it makes no sense in the present state. */
  readonly senseless?: string | undefined;
  /** Stands beside the heading where it makes sense; the others are in the menu. */
  readonly isUsual?: true;
}

/** Renders what can be done about a release: what is usual in its state, and a menu of everything else. */
export function ReleaseActions({ release }: { release: Release }) {
  const [open, setOpen] = useState<Action>();
  const toast = useToast();
  const go = useGo();
  const actions = useActions(release);
  const usual = actions.filter(({ isUsual, senseless }) => isUsual && senseless === undefined);
  const rest = actions.filter((action) => !usual.includes(action));
  return (
    <>
      {usual.map((action) => (
        <Button key={action.verb} refusal={action.refusal} {...lookOf(action)} onPress={() => setOpen(action)}>
          {action.verb}…
        </Button>
      ))}
      <Menu label="More actions" face={<Icon name="more" />} className="button">
        {(close) =>
          rest.map((action) => (
            <Button
              key={action.verb}
              look="plain"
              refusal={action.senseless ?? action.refusal}
              onPress={() => {
                close();
                setOpen(action);
              }}
            >
              {action.verb}…
            </Button>
          ))
        }
      </Menu>
      {open !== undefined && (
        <ActionDialog
          {...open}
          title={`${open.verb}: ${formatRelease(release)}`}
          onClose={() => setOpen(undefined)}
          act={async (reason) => {
            const { jobId } = await open.act(reason);
            toast(`${open.verb} was sent.`);
            await queryClient.invalidateQueries({ queryKey: ["list"] });
            if (jobId !== release.jobId) go("/asg", { id: jobId });
          }}
        >
          <p>{open.text}</p>
        </ActionDialog>
      )}
    </>
  );
}

/** Returns the look of an action beside the heading: a failed release is most likely tried again. Danger is in the dialogs. */
function lookOf({ verb }: Action): Pick<ButtonProps, "look"> {
  return verb === "Retry" ? { look: "primary" } : {};
}

function useActions(release: Release): readonly Action[] {
  const { jobId, releaseId, project, config, account, region, report } = release;
  const subject = { machine: JOB_MACHINE, stackId: jobId };
  const operate = useRefusal("operate", subject);
  const repair = useRefusal("repair", subject);
  const over = isOver(release) ? "The release has ended" : undefined;
  const running = isOver(release) ? undefined : "The release still runs";
  const moved = report !== undefined && AFTER_TRAFFIC.has(report.state) ? "Traffic has moved" : undefined;
  const at = { account, region, project, config };
  return [
    {
      verb: "Halt",
      danger: true,
      reason: "required",
      typed: project,
      text: "Stops the release and removes what it created. The version that serves now stays.",
      refusal: operate,
      senseless: over ?? moved ?? (release.isHalting ? "A halt was requested" : undefined),
      isUsual: true,
      act: (reason) => releases.halt(jobId, { ...defined({ reason }) }),
    },
    {
      verb: "Retry",
      text: "Runs the same document again, with the same values.",
      refusal: operate,
      senseless: running ?? (release.standing === "succeeded" ? "The release has not failed" : undefined),
      isUsual: true,
      act: () => yard.jobs.retry(jobId),
    },
    {
      verb: "Roll back",
      danger: true,
      text: "One step back: to the groups that are kept, else to the release document before.",
      refusal: repair,
      senseless: running,
      isUsual: true,
      act: () => releases.rollback({ at, ...(releaseId !== "" && { releaseId }) }),
    },
    {
      verb: "Repair",
      text: "Lists what no release owns any more. Nothing is removed.",
      refusal: repair,
      senseless: running,
      act: () => releases.repair({ at }),
    },
    {
      verb: "Lock",
      reason: "required",
      text: "Blocks deployments of this project and configuration until it is unlocked. Running releases continue.",
      refusal: repair,
      act: (reason = "") => releases.lock({ at, reason }),
    },
    {
      verb: "Unlock",
      typed: project,
      text: "Permits deployments again.",
      refusal: repair,
      act: () => releases.unlock({ at }),
    },
  ];
}
