import { existsSync, globSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";

/** Prints whole types: structures in place of names that only the compiler can compute. */
const WHOLE = ts.NodeBuilderFlags.NoTruncation | ts.NodeBuilderFlags.InTypeAlias | ts.NodeBuilderFlags.IgnoreErrors;
const SETTINGS: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2024,
  strict: true,
  exactOptionalPropertyTypes: true,
  types: [],
};
/** A package or a module of Node.js that is not found. */
const NOT_FOUND = /^Cannot find (?:module|name) '((?:@[^'/]+\/)?[^'/]+)/;
const printer = ts.createPrinter();

/**
 * Replaces the declarations of the package in `folder`, and of our packages in it, by what `entries` export and no more, with the types of
 * schemas written out, and removes those of others. A program that checks its libraries (`skipLibCheck: false`) then does not compute all
 * schemas of core. @throws Error with the first fault when what is left does not compile.
 */
export function flattenTypes(given: string, entries: readonly string[]): void {
  // The compiler names files by their real paths.
  const folder = realpathSync(given);
  for (const path of entries)
    if (!existsSync(join(folder, path))) throw new Error(`${path} is missing: build the package first.`);
  writeOut(folder, entries);
  const program = openProgram(folder, entries);
  const files = new Map(ourFiles(folder, program).map((file) => [file, new Set<ts.Statement>()]));
  const flat: Flat = { files, wholes: new Map(), checker: program.getTypeChecker() };
  for (const entry of entries) keep(findModule(program, join(folder, entry)), flat);
  removeDeclarations(folder);
  for (const [file, kept] of files)
    if (kept.size > 0 || flat.wholes.has(file)) write(file.fileName, toShaken(file, kept, flat));
  check(folder, entries);
}

function findModule(program: ts.Program, path: string): ts.Symbol {
  const file = program.getSourceFile(path);
  const module = file && program.getTypeChecker().getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${path} is not a module.`);
  return module;
}

function removeDeclarations(folder: string): void {
  for (const path of listDeclarations(folder)) rmSync(path);
  const others = globSync("node_modules/**/*.{d.ts,d.mts,d.cts}", { cwd: folder });
  for (const path of others) if (!path.startsWith("node_modules/@stackyard/")) rmSync(join(folder, path));
}

/** Throws when the declarations do not compile, such as for a package that is left out and that its readers do not bring. */
function check(folder: string, entries: readonly string[]): void {
  const { peerDependencies = {} } = Object(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
  const program = openProgram(folder, entries, false);
  for (const file of ourFiles(folder, program)) {
    const faults = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    const reasons = faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "));
    const reason = reasons.find((each) => {
      const [, name = ""] = NOT_FOUND.exec(each) ?? [];
      return !name.startsWith("node:") && !(name in peerDependencies);
    });
    if (reason !== undefined) throw new Error(`${relative(folder, file.fileName)} has no flat types: ${reason}`);
  }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function openProgram(folder: string, entries: readonly string[], skipLibCheck = true): ts.Program {
  const paths = entries.map((path) => join(folder, path));
  return ts.createProgram(paths, { ...SETTINGS, skipLibCheck });
}

function listDeclarations(folder: string): readonly string[] {
  const paths = globSync(["dist/**/*.d.ts", "node_modules/@stackyard/*/dist/**/*.d.ts"], { cwd: folder });
  return paths.map((path) => join(folder, path));
}

function ourFiles(folder: string, program: ts.Program): readonly ts.SourceFile[] {
  const paths = new Set(listDeclarations(folder));
  return program.getSourceFiles().filter(({ fileName }) => paths.has(fileName));
}

/** Writes out each type that is computed from a schema; the type of the schema itself becomes `unknown`. */
function writeOut(folder: string, entries: readonly string[]): void {
  const program = openProgram(folder, entries);
  const texts = ourFiles(folder, program).map((file) => {
    const statements = file.statements.map((statement) => withoutSchemas(statement, program.getTypeChecker()));
    const lines = statements.map((statement) => printer.printNode(ts.EmitHint.Unspecified, statement, file));
    return [file.fileName, lines.join("\n")] as const;
  });
  for (const [path, text] of texts) writeFileSync(path, text);
}

function withoutSchemas(statement: ts.Statement, checker: ts.TypeChecker): ts.Statement {
  if (ts.isVariableStatement(statement)) return hideSchemas(statement);
  if (!ts.isTypeAliasDeclaration(statement) || statement.typeParameters || !isComputed(statement.type))
    return statement;
  const type = checker.typeToTypeNode(checker.getTypeAtLocation(statement.name), statement, WHOLE);
  return type === undefined
    ? statement
    : ts.factory.updateTypeAliasDeclaration(statement, statement.modifiers, statement.name, undefined, type);
}

function isComputed(node: ts.Node): boolean {
  if (ts.isTypeQueryNode(node)) return true;
  if (ts.isTypeReferenceNode(node) && node.typeName.getText() === "Static") return true;
  return ts.forEachChild(node, (child) => isComputed(child) || undefined) === true;
}

function hideSchemas(statement: ts.VariableStatement): ts.VariableStatement {
  const unknown = ts.factory.createKeywordTypeNode(ts.SyntaxKind.UnknownKeyword);
  const declarations = statement.declarationList.declarations.map((each) =>
    each.type !== undefined && /\bT[A-Z]\w*</.test(each.type.getText())
      ? ts.factory.updateVariableDeclaration(each, each.name, undefined, unknown, undefined)
      : each,
  );
  const list = ts.factory.updateVariableDeclarationList(statement.declarationList, declarations);
  return ts.factory.updateVariableStatement(statement, statement.modifiers, list);
}

/** A name that a module exports, and the symbol that it leads to. */
interface Exported {
  readonly name: string;
  readonly target: ts.Symbol;
}

/** What is kept of each file, and of which modules all exports are. */
interface Flat {
  readonly files: ReadonlyMap<ts.SourceFile, Set<ts.Statement>>;
  readonly wholes: Map<ts.SourceFile, readonly Exported[]>;
  readonly checker: ts.TypeChecker;
}

function follow(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** Keeps the statements that declare the symbol, and all that these name; of a module, all that it exports. */
function keep(symbol: ts.Symbol, flat: Flat): void {
  for (const declaration of symbol.declarations ?? []) {
    const kept = flat.files.get(declaration.getSourceFile());
    const statement = statementOf(declaration);
    if (kept === undefined) continue;
    if (ts.isSourceFile(declaration)) keepWhole(symbol, declaration, flat);
    if (statement === undefined || kept.has(statement)) continue;
    kept.add(statement);
    for (const named of listSymbols(statement, flat)) keep(named, flat);
  }
}

/** Returns what the names in a statement lead to. */
function listSymbols(statement: ts.Statement, { checker }: Flat): readonly ts.Symbol[] {
  const symbols = listNames(statement).map((name) => checker.getSymbolAtLocation(name));
  return symbols.filter((symbol) => symbol !== undefined).map((symbol) => follow(symbol, checker));
}

function keepWhole(module: ts.Symbol, file: ts.SourceFile, flat: Flat): void {
  if (flat.wholes.has(file)) return;
  const { checker } = flat;
  const exported = checker.getExportsOfModule(module);
  const found = exported.map((symbol) => ({ name: symbol.name, target: follow(symbol, checker) }));
  flat.wholes.set(file, found);
  for (const { target } of found) keep(target, flat);
}

function statementOf(node: ts.Node): ts.Statement | undefined {
  if (ts.isSourceFile(node)) return undefined;
  return ts.isSourceFile(node.parent) ? (node as ts.Statement) : statementOf(node.parent);
}

/** Returns all nodes of a kind below a node. */
function listNodes<Found extends ts.Node>(node: ts.Node, isFound: (node: ts.Node) => node is Found): readonly Found[] {
  const found: Found[] = [];
  const visit = (child: ts.Node): void => {
    if (isFound(child)) found.push(child);
    ts.forEachChild(child, visit);
  };
  visit(node);
  return found;
}

function listNames(node: ts.Node): readonly ts.Identifier[] {
  return listNodes(node, ts.isIdentifier);
}

/** Returns the kept statements of a file, and what it exports. What they import comes from the very file that declares it. */
function toShaken(file: ts.SourceFile, kept: ReadonlySet<ts.Statement>, flat: Flat): string {
  const { checker, wholes } = flat;
  const imports = new Set<string>();
  for (const name of [...kept].flatMap(listNames)) {
    const symbol = checker.getSymbolAtLocation(name);
    const [from] = symbol?.declarations ?? [];
    if (symbol === undefined || from === undefined || !(symbol.flags & ts.SymbolFlags.Alias)) continue;
    if (from.getSourceFile() !== file || name.text !== symbol.name) continue;
    const target = follow(symbol, checker);
    imports.add(isOurs(target, flat) ? toImport(symbol.name, target, file.fileName) : toForeignImport(from));
  }
  const statements = file.statements.filter((each) => kept.has(each));
  const text = statements.map((each) => toText(each, file, flat));
  const exported = listExported(file, statements, wholes.get(file) ?? []);
  return `${[...imports].sort().concat(text, exported).join("\n")}\n`;
}

function isOurs({ declarations }: ts.Symbol, { files }: Flat): boolean {
  const [declared] = declarations ?? [];
  return declared !== undefined && files.has(declared.getSourceFile());
}

/** Returns a statement, in which types that are imported in place come from the very file that declares them. */
function toText(statement: ts.Statement, file: ts.SourceFile, flat: Flat): string {
  const start = statement.getFullStart();
  let text = statement.getFullText(file);
  for (const { argument, qualifier } of listNodes(statement, ts.isImportTypeNode).toReversed()) {
    if (qualifier === undefined || !ts.isIdentifier(qualifier)) continue;
    const symbol = flat.checker.getSymbolAtLocation(qualifier);
    const target = symbol && follow(symbol, flat.checker);
    if (target === undefined || !isOurs(target, flat)) continue;
    const from = text.slice(0, argument.getStart(file) - start);
    const between = text.slice(argument.end - start, qualifier.getStart(file) - start);
    text = `${from}"${toSpecifier(target, file.fileName)}"${between}${target.name}${text.slice(qualifier.end - start)}`;
  }
  return text.trim();
}

/** Returns the lines that export what the kept statements do not export themselves. */
function listExported(
  file: ts.SourceFile,
  statements: readonly ts.Statement[],
  exported: readonly Exported[],
): readonly string[] {
  const declared = new Set(statements.filter((each) => !isExported(each)).flatMap(listDeclared));
  const own = new Set(statements.filter(isExported).flatMap(listDeclared));
  const lines = exported.flatMap(({ name, target }) => {
    const isHere = target.declarations?.some((each) => each.getSourceFile() === file && !ts.isSourceFile(each));
    if (isHere === true && name === target.name && (own.has(name) || name === "default")) return [];
    if (isHere === true) {
      if (name === target.name) declared.delete(name);
      return [`export { ${target.name} as ${name} };`];
    }
    return [toExport(name, target, file.fileName)];
  });
  const locals = [...declared].map((name) => `export { ${name} };`);
  return [...new Set([...lines, ...locals])].sort();
}

function isExported(statement: ts.Statement): boolean {
  if (!ts.canHaveModifiers(statement)) return false;
  return ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;
}

function listDeclared(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? [name.text] : []));
  const { name } = statement as ts.DeclarationStatement;
  return name !== undefined && ts.isIdentifier(name) ? [name.text] : [];
}

function isModule({ declarations }: ts.Symbol): boolean {
  return declarations?.some(ts.isSourceFile) === true;
}

function toImport(local: string, target: ts.Symbol, from: string): string {
  const what = isModule(target) ? `* as ${local}` : `{ ${target.name} as ${local} }`;
  return `import ${what} from "${toSpecifier(target, from)}";`;
}

function toForeignImport(declaration: ts.Declaration): string {
  const statement = statementOf(declaration);
  return statement === undefined ? "" : statement.getText();
}

function toSpecifier(target: ts.Symbol, from: string): string {
  const path = target.declarations?.[0]?.getSourceFile().fileName ?? "";
  const way = relative(dirname(from), path).replace(/\.d\.ts$/, ".js");
  return way.startsWith(".") ? way : `./${way}`;
}

function toExport(name: string, target: ts.Symbol, from: string): string {
  const specifier = toSpecifier(target, from);
  if (isModule(target)) return `export * as ${name} from "${specifier}";`;
  const kind = target.flags & ts.SymbolFlags.Value ? "export" : "export type";
  return `${kind} { ${target.name} as ${name} } from "${specifier}";`;
}
