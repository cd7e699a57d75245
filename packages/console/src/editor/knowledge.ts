import { useEffect, useState } from "react";
import { machineClient } from "../machine/machine-client.ts";
import type { MachineSchemas } from "../machine/messages.ts";
import type { Knowledge } from "./completion.ts";

/** Executors of this project, where no yard lists its own. */
const EXECUTORS = ["approval", "asg", "ecs", "lambda", "runcommand", "terraform"].map((name) => ({ name }));

/** Returns completion's data in addition to the document; executors are those of the yard if there is one. */
export function useKnowledge(executors: Knowledge["executors"] = EXECUTORS): Omit<Knowledge, "outline"> {
  const [schemas, setSchemas] = useState<MachineSchemas>();
  useEffect(() => {
    machineClient.run("schemas", undefined).then(setSchemas, () => setSchemas(undefined));
  }, []);
  return { schemas, executors };
}
