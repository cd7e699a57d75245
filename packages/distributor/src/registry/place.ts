import { Type } from "typebox";

/** An account's id. */
export const AccountId = Type.String({ pattern: "^\\d{12}$" });
/** A region's name, as AWS spells them, in every partition: `eu-west-1`, `us-gov-west-1`, `eusc-de-east-1`. */
export const Region = Type.String({ pattern: "^[a-z]{2,4}(-[a-z]{2,12}){1,3}-\\d{1,2}$" });

/** Instants are epoch milliseconds. */
export const Instant = Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 });
