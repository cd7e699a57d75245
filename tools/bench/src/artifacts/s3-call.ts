import type { IncomingHttpHeaders } from "node:http";

/** The requests to a bucket that copies make. */
export interface S3Call {
  readonly kind: "head" | "get" | "put" | "part" | "begin" | "complete" | "delete" | "other";
  readonly bucket: string;
  readonly key: string;
  /** Both included. */
  readonly range?: { readonly from: number; readonly to: number };
}

interface S3Request {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Pick<IncomingHttpHeaders, "host" | "range">;
}

const VIRTUAL_HOST = /^([a-z0-9-]+)\.s3[.-]/;

/** Reads a request of S3's REST API, path-style or virtual-hosted. */
export function parseS3Call({ method, path, headers }: S3Request): S3Call {
  const { pathname, searchParams } = new URL(path, "http://s3");
  const [, host] = VIRTUAL_HOST.exec(headers.host ?? "") ?? [];
  const [bucket = "", ...rest] = host === undefined ? pathname.slice(1).split("/") : [host, pathname.slice(1)];
  const [, from, to] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(headers.range ?? "") ?? [];
  return {
    kind: toKind(method, searchParams),
    bucket,
    key: decodeURIComponent(rest.join("/")),
    ...(from !== undefined && { range: { from: Number(from), to: Number(to) } }),
  };
}

function toKind(method: string, query: URLSearchParams): S3Call["kind"] {
  const isOfUpload = query.has("uploadId");
  switch (method) {
    case "HEAD":
      return "head";
    case "GET":
      return "get";
    case "PUT":
      return isOfUpload ? "part" : "put";
    case "DELETE":
      return "delete";
    case "POST":
      return query.has("uploads") ? "begin" : isOfUpload ? "complete" : "other";
    default:
      return "other";
  }
}
