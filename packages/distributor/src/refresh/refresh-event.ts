import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { AccountId, Region } from "../registry/place.ts";

const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });

/** An event of the receipts bus, as EventBridge gives it to a function: `account` is stamped by EventBridge itself. */
const RefreshEvent = Type.Object({
  source: Type.Literal("stackyard.consumer"),
  "detail-type": Type.Literal("artifact.refresh"),
  account: AccountId,
  detail: Type.Object({
    v: Type.Literal(1),
    distributionId: Type.Optional(Type.Union([text(128), Type.Null()])),
    key: text(1_024),
    account: AccountId,
    region: Region,
    name: Type.Optional(Type.Union([text(128), Type.Null()])),
    version: Type.Optional(Type.Union([text(64), Type.Null()])),
  }),
});

/** What a consumer asks for: fresh URLs of one file. */
export interface RefreshWish {
  readonly account: string;
  readonly region: string;
  readonly key: string;
  readonly name?: string;
  readonly version?: string;
}

const compiled = Compile(RefreshEvent);

/** Reads an event; a word on what is wrong with it where it is none, or where its sender is not who it says. */
export function parseRefreshEvent(event: unknown): RefreshWish | "EVENT_INVALID" | "ACCOUNT_MISMATCH" {
  if (!compiled.Check(event)) return "EVENT_INVALID";
  const { account, detail }: Static<typeof RefreshEvent> = event;
  if (detail.account !== account) return "ACCOUNT_MISMATCH";
  const { region, key, name, version } = detail;
  return { account, region, key, ...(name && { name }), ...(version && { version }) };
}
