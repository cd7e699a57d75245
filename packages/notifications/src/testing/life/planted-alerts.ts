import { isMap } from "@stackyard/core";
import { Check } from "typebox/value";
import { compileFormer, Ending } from "../../parse-notifications.ts";
import type { AlertLife } from "./an-alert-life.ts";

// Bugs of the program, each planted where the service meets its store or its receivers.

const isOfEndings = (prefix: string): boolean => prefix.endsWith("/endings/");

/** What ended an alert is forgotten with the document that said it. */
export function withoutEndings({ bench: { records } }: Pick<AlertLife, "bench">): void {
  const list = records.list.bind(records);
  Object.assign(records, {
    list: async (...input: Parameters<typeof list>) => (isOfEndings(input[0]) ? { items: [] } : list(...input)),
  });
}

/** What is kept of a rule's end says that every line ends its alerts. */
export function withHastyEndings({ bench: { records } }: Pick<AlertLife, "bench">): void {
  const put = records.put.bind(records);
  const ids = new Map<unknown, string>();
  const hasten = (key: string, value: unknown): unknown => {
    if (Check(Ending, value)) {
      const hasty = { ...value, resolve: "true" };
      ids.set(key.split("/").at(-1), compileFormer(hasty)?.ending?.id ?? "");
      return hasty;
    }
    return isMap(value) && ids.has(value["endsBy"]) ? { ...value, endsBy: ids.get(value["endsBy"]) } : value;
  };
  Object.assign(records, {
    put: (input: Parameters<typeof put>[0]) => put({ ...input, value: hasten(input.key, input.value) }),
  });
}

/** A request counts as taken, whatever is answered. */
export function withDeafSending({ bench: { answers } }: Pick<AlertLife, "bench">): void {
  const { next } = answers;
  answers.next = async (post) => ({ ...(await next(post)), status: 202 });
}
