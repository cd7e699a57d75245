import { useState } from "react";
import { useRefusal } from "../api/access.ts";
import { queryClient, yard } from "../api/client.ts";
import { Button } from "../design/button.tsx";
import { ActionDialog, Dialog } from "../design/dialog.tsx";
import { Mark } from "../design/mark.tsx";
import { Pairs } from "../design/pairs.tsx";
import { Ago, Text } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";
import { type Cell, lookOf, type Row } from "./coverage.ts";

interface CellDialogProps {
  readonly row: Row;
  readonly cell: Cell;
  /** The account with its name, and the region. */
  readonly where: string;
  readonly onClose: () => void;
}

/** Explains a cell, and announces its version or everything again. */
export function CellDialog({ row, cell, where, onClose }: CellDialogProps) {
  const [action, setAction] = useState<"refresh" | "replay">();
  const refusal = useRefusal("operate");
  const toast = useToast();
  const { status, word } = lookOf(cell.status);
  const { name, version } = row;
  const { account, region } = cell;
  if (action !== undefined) {
    return (
      <ActionDialog
        title={action === "refresh" ? `Announce ${name} ${version} to ${where}` : `Announce everything to ${where}`}
        verb="Announce"
        onClose={onClose}
        act={async () => {
          await (action === "refresh"
            ? yard.artifacts.refresh({ name, version, account, region })
            : yard.artifacts.replay({ account, region }));
          toast("Announced again.");
          await queryClient.invalidateQueries({ queryKey: ["other", "coverage"] });
        }}
      >
        <p>
          {action === "refresh"
            ? "The consumer gets fresh URLs of this version."
            : "The consumer gets every version that it should have. It skips what it has."}
        </p>
      </ActionDialog>
    );
  }
  return (
    <Dialog title={`${name} ${version} in ${where}`} onClose={onClose}>
      <section>
        <Pairs
          of={{
            State: (
              <>
                <Mark status={status} word={word} /> <Ago at={cell.at} />
              </>
            ),
            Code: cell.code !== null && <Text mono>{cell.code}</Text>,
            Files: `${cell.filesDone} of ${cell.files}${cell.verified ? ", all digests compared" : ""}`,
            Announcements: cell.announcements,
          }}
        />
        <p>{adviceFor(cell)}</p>
        <div className="row">
          <Button refusal={refusal} onPress={() => setAction("refresh")}>
            Announce this version again…
          </Button>
          <Button refusal={refusal} onPress={() => setAction("replay")}>
            Announce everything to this consumer…
          </Button>
          <Button onPress={onClose}>Close</Button>
        </div>
      </section>
    </Dialog>
  );
}

function adviceFor({ status }: Cell): string {
  switch (status) {
    case "expected":
      return "Not announced yet. The distributor announces it with its next event.";
    case "announced":
      return "The consumer has not sent a receipt yet.";
    case "overdue":
      return "No receipt came in time. Check the consumer's queue and function in that account, then announce again.";
    case "failed":
      return "The consumer failed to store a file. Remove the cause that the code names, then announce again.";
    case "rejected":
      return "The consumer refused a file, such as one with a wrong digest. Publish the version again.";
    default:
      return "Nothing to do.";
  }
}
