import { useEffect, useState } from "react";
import { machineClient } from "./machine-client.ts";
import type { ParsedMachine } from "./messages.ts";

/** Returns what a text means; undefined until it is parsed, and without a text. */
export function useParsed(text: string | undefined): ParsedMachine | undefined {
  const [parsed, setParsed] = useState<ParsedMachine>();
  useEffect(() => {
    if (text === undefined) return;
    let over = false;
    machineClient.run("parse", { name: "machine", text }).then(
      (result) => {
        if (!over) setParsed(result);
      },
      () => {
        if (!over) setParsed(undefined);
      },
    );
    return () => {
      over = true;
    };
  }, [text]);
  return text === undefined ? undefined : parsed;
}
