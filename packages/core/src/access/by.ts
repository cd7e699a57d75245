import { Type } from "typebox";
import { defined } from "../machine/json.ts";
import type { Sender } from "./sender.ts";

/** Who did something, as records keep it: a name, and who a person is, because names may repeat. */
export interface By {
  readonly by: string;
  /** The id of a person. Missing: another kind of sender. */
  readonly byId?: string;
}

/** The fields of a record that say who did something. */
export const BY_FIELDS = { by: Type.String(), byId: Type.Optional(Type.String()) } as const;

/** Converts a sender to what records keep of who did something. */
export function toBy(sender: Sender): By {
  return { by: sender.name, ...defined({ byId: findPersonId(sender) }) };
}

/** Returns the id of a person; undefined for other senders. */
export function findPersonId({ kind, id }: Pick<Sender, "kind" | "id">): string | undefined {
  return kind === "person" ? id : undefined;
}
