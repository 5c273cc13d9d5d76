"""What is changed in Python: each kind a function from a node to what may stand in its place."""

import ast
import math
from collections.abc import Callable, Iterator, Mapping

New = Iterator[ast.AST]

_COMPARED: Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
_CALCULATED: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.MatMult: ast.Mult,
}  # fmt: skip
_OPPOSITES = (
    ("min", "max"), ("minimum", "maximum"), ("floor", "ceil"), ("any", "all"), ("argmin", "argmax"), ("zeros", "ones"),
    ("zeros_like", "ones_like"), ("nanmin", "nanmax"), ("fmin", "fmax"), ("logical_and", "logical_or"),
)  # fmt: skip
_SWAPPED = {**dict(_OPPOSITES), **{after: before for before, after in _OPPOSITES}}
_PASSES_ON = frozenset({"abs", "floor", "ceil", "round", "sorted", "trunc", "rint", "nan_to_num", "cumsum"})
_TESTS = ("test",)


def comparisons(node: ast.AST) -> New:
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            for other in _COMPARED[type(operator)]:
                ops = [*node.ops[:index], other(), *node.ops[index + 1 :]]
                yield ast.Compare(left=node.left, ops=ops, comparators=node.comparators)


def arithmetic(node: ast.AST) -> New:
    if isinstance(node, ast.BinOp):
        yield ast.BinOp(left=node.left, op=_CALCULATED[type(node.op)](), right=node.right)
    if isinstance(node, ast.AugAssign):
        yield ast.AugAssign(target=node.target, op=_CALCULATED[type(node.op)](), value=node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Invert | ast.Not):
        yield node.operand


def numbers(node: ast.AST) -> New:
    """One more, or a hundredth more of a large one; a flag is the other one."""
    if not isinstance(node, ast.Constant) or isinstance(node.value, str | bytes | complex):
        return
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + (1 if abs(value) < 100 else math.ceil(abs(value) / 100)))
        if value == 1:
            yield ast.Constant(0)
    elif isinstance(value, float):
        yield ast.Constant(value + 1.0 if abs(value) < 100 else value * 1.01)


def logic(node: ast.AST) -> New:
    if isinstance(node, ast.BoolOp):
        yield ast.BoolOp(op=ast.And() if isinstance(node.op, ast.Or) else ast.Or(), values=node.values)
        for index in range(len(node.values)):
            rest = [*node.values[:index], *node.values[index + 1 :]]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(op=node.op, values=rest)


def conditions(node: ast.AST) -> New:
    """A condition's opposite, where none of the other kinds gives it."""
    if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert) and _is_plain(node.test):
        yield _with(node, test=ast.UnaryOp(op=ast.Not(), operand=node.test))
    if isinstance(node, ast.comprehension):
        for index, test in enumerate(node.ifs):
            if _is_plain(test):
                ifs = [*node.ifs[:index], ast.UnaryOp(op=ast.Not(), operand=test), *node.ifs[index + 1 :]]
                yield _with(node, ifs=ifs)


def calls(node: ast.AST) -> New:
    """The opposite function; a function that only refines its argument left out; branches of a choice exchanged."""
    if not isinstance(node, ast.Call):
        return
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if other := _SWAPPED.get(name):
        yield _with(node, func=_renamed(node.func, other))
    if name in _PASSES_ON and node.args:
        yield node.args[0]
    if name == "where" and len(node.args) == 3:
        condition, yes, no = node.args
        yield _with(node, args=[condition, no, yes])


def statements(node: ast.AST) -> New:
    """Left out: what acts, what is stored in something, what leaves early. The result of a function is None."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await):
        yield ast.Pass()
    if isinstance(node, ast.Raise | ast.Continue | ast.Break | ast.AugAssign | ast.Delete):
        yield ast.Pass()
    if isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name | ast.Tuple):
        yield ast.Pass()
    if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield ast.Return(value=ast.Constant(None))
    if isinstance(node, ast.For):
        yield _with(node, iter=ast.Tuple(elts=[], ctx=ast.Load()))
    if isinstance(node, ast.If) and all(isinstance(one, ast.Return) for one in node.body):
        yield _with(node, body=[ast.Pass()])


def tables(node: ast.AST) -> New:
    """A row or a member left out; a row that says what another one says; a case of a match left out."""
    if isinstance(node, ast.Dict):
        for index, value in enumerate(node.values):
            keys, values = list(node.keys), list(node.values)
            yield ast.Dict(keys=keys[:index] + keys[index + 1 :], values=values[:index] + values[index + 1 :])
            if other := next((one for one in values if ast.dump(one) != ast.dump(value)), None):
                yield ast.Dict(keys=keys, values=[*values[:index], other, *values[index + 1 :]])
    if isinstance(node, ast.Set) or (isinstance(node, ast.Tuple | ast.List) and isinstance(node.ctx, ast.Load)):
        for index in range(len(node.elts) if len(node.elts) > 1 else 0):
            yield _with(node, elts=[*node.elts[:index], *node.elts[index + 1 :]])
    if isinstance(node, ast.Match):
        for index in range(len(node.cases) if len(node.cases) > 1 else 0):
            yield _with(node, cases=[*node.cases[:index], *node.cases[index + 1 :]])


def stored_names(node: ast.AST) -> New:
    """The value of an enum's member: it is stored, and read by a later version."""
    if isinstance(node, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in node.bases):
        for index, line in enumerate(node.body):
            if (
                isinstance(line, ast.Assign)
                and isinstance(line.value, ast.Constant)
                and isinstance(line.value.value, str)
            ):
                other = _with(line, value=ast.Constant(f"{line.value.value}_"))
                yield _with(node, body=[*node.body[:index], other, *node.body[index + 1 :]])


KINDS: Mapping[str, Callable[[ast.AST], New]] = {
    "comparison": comparisons,
    "arithmetic": arithmetic,
    "number or flag": numbers,
    "and, or": logic,
    "condition": conditions,
    "call": calls,
    "statement": statements,
    "table": tables,
    "stored name": stored_names,
}


def _is_plain(test: ast.expr) -> bool:
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    return not isinstance(test, ast.Compare | ast.Constant) and not negated


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _renamed(function: ast.expr, name: str) -> ast.expr:
    if isinstance(function, ast.Attribute):
        return ast.Attribute(value=function.value, attr=name, ctx=ast.Load())
    return ast.Name(id=name, ctx=ast.Load())


def _with(node: ast.AST, **fields: object) -> ast.AST:
    """A copy of a node with other fields."""
    kept = {field: getattr(node, field) for field in (*node._fields, *node._attributes) if hasattr(node, field)}
    return type(node)(**{**kept, **fields})
