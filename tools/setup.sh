#!/bin/sh
# Make .venv with everything pinned, once; again only when what is pinned has changed.
# Needs a Python of 3.12 or newer somewhere: $PYTHON, on PATH, or under pyenv. Uses uv if it is there.
set -eu
cd "$(dirname "$0")/.."

stamp=.venv/stamp
wanted=$(cat requirements.txt pyproject.toml tools/setup.sh | cksum)
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0

serves() { "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; }

python=
for candidate in ${PYTHON:-} python3.13 python3.12 python3.14 python3 python \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python "$(uv python find '>=3.12' 2>/dev/null || true)"
do
    if serves "$candidate"; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
    echo "metacontrol needs Python 3.12 or newer and found none on PATH or under pyenv:" \
        "install one, or say where it is with 'PYTHON=/path/to/python make ...'." >&2
    exit 1
fi

echo "Setting up .venv with $("$python" --version); the first time this takes a minute or two."
rm -rf .venv
"$python" -m venv .venv
if command -v uv >/dev/null 2>&1 &&
    uv pip install --quiet --python .venv/bin/python -r requirements.txt 2>/dev/null
then :; else
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
echo "$wanted" >"$stamp"
