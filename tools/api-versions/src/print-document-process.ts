import { loadDocument } from "./load-document.ts";

// Prints the OpenAPI document of this version, which the comparison of a later version reads.

console.log(JSON.stringify(await loadDocument("1"), undefined, 1));
