#!/bin/sh
# rolesync-hook: tells the rolesync server about new commits; it never deploys anything.
#
# The same file serves as post-commit, post-merge, post-rewrite and post-receive. It needs git, curl
# and openssl. Install it into a repository (a hook that is there already is kept and run first):
#     sh THIS_FILE --install /path/to/repository
# Sending happens in the background, so that no commit and no push waits for the server. What went
# wrong is in rolesync-hook.log in the repository's git directory.

server_url='@SERVER_URL@'
source_name='@SOURCE@'
key_file='@KEY_FILE@'
ca_file='@CA_FILE@'
LC_ALL=C
export LC_ALL

install_hooks() {
  directory=$(git -C "$1" rev-parse --path-format=absolute --git-path hooks) || return 1
  mkdir -p "$directory" || return 1
  for name in post-commit post-merge post-rewrite post-receive; do
    hook=$directory/$name
    if [ -e "$hook" ] && ! grep -q '^# rolesync-hook:' "$hook"; then
      if [ -e "$hook.before-rolesync" ]; then
        echo "rolesync: $hook and $hook.before-rolesync both exist; remove one" >&2
        return 1
      fi
      mv "$hook" "$hook.before-rolesync" || return 1
    fi
    cp "$0" "$hook.new" && chmod 755 "$hook.new" && mv "$hook.new" "$hook" || return 1
  done
  echo "rolesync: hooks installed in $directory"
}

# HMAC-SHA256 of standard input with the hex digits of $key. Written out, because openssl takes a key
# on its command line only, where every user of the machine can read it.
hmac() {
  inner='' outer='' rest=$key count=0
  while [ $count -lt 64 ]; do
    digit=${rest%"${rest#?}"}
    rest=${rest#?}
    case $digit in
      '') code=0 ;;
      [0-9]) code=$((48 + digit)) ;;
      a) code=97 ;; b) code=98 ;; c) code=99 ;; d) code=100 ;; e) code=101 ;; f) code=102 ;;
    esac
    byte=$((code ^ 54))
    inner="$inner\\$((byte >> 6))$((byte >> 3 & 7))$((byte & 7))"
    byte=$((code ^ 92))
    outer="$outer\\$((byte >> 6))$((byte >> 3 & 7))$((byte & 7))"
    count=$((count + 1))
  done
  digest=$({ printf "$inner"; cat; } | openssl dgst -sha256 -r) || return 1
  digest=${digest%% *}
  bytes=
  while [ -n "$digest" ]; do
    pair=${digest%"${digest#??}"}
    digest=${digest#??}
    byte=$((0x$pair))
    bytes="$bytes\\$((byte >> 6))$((byte >> 3 & 7))$((byte & 7))"
  done
  digest=$({ printf "$outer"; printf "$bytes"; } | openssl dgst -sha256 -r) || return 1
  echo "${digest%% *}"
}

log() {
  size=$(wc -c <"$log_file" 2>/dev/null) || size=0
  [ "$size" -lt 65536 ] || : >"$log_file"
  echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $1" >>"$log_file"
}

# Sends $1; a new nonce for every try, because the server may have seen the last one.
send() {
  key=$(cat "$key_file") || { log "cannot read $key_file"; return 1; }
  case $key in
    *[!0-9a-f]* | '') log "$key_file does not hold a key"; return 1 ;;
  esac
  [ ${#key} -le 64 ] || { log "the key in $key_file is too long"; return 1; }
  for pause in 1 4 15 0; do
    time=$(date +%s)
    nonce=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    signature=$(printf '%s' "$time.$nonce.$1" | hmac) || { log "openssl failed"; return 1; }
    answer=$(printf '%s' "$1" | curl -q -g --silent --show-error --max-time 15 \
      --proto '=http,https' ${ca_file:+--cacert "$ca_file"} \
      -H 'Content-Type: application/json' -H 'Expect:' -H "X-Rolesync-Source: $source_name" \
      -H "X-Rolesync-Timestamp: $time" -H "X-Rolesync-Nonce: $nonce" \
      -H "X-Rolesync-Signature: sha256=$signature" \
      --data-binary @- --output /dev/null --write-out '%{http_code}' \
      "$server_url/api/code-source/notify" 2>&1)
    case $answer in
      2??) return 0 ;;
      4??) log "the server refused the notification: $answer"; return 1 ;;
    esac
    log "the server cannot be reached: $answer"
    [ $pause -eq 0 ] || sleep $pause
  done
  return 1
}

# notify REF OLD NEW: all zeros is "none".
notify() {
  forced=false
  case $2$3 in
    *0000000000000000000000000000000000000000*) ;;
    *) git merge-base --is-ancestor "$2" "$3" 2>/dev/null || forced=true ;;
  esac
  repository=$(git rev-parse --absolute-git-dir)
  case $repository in *[!-A-Za-z0-9._/@+\ ]*) repository= ;; esac
  ref=$(printf '%s' "$1" | sed 's/"/\\"/g') # git allows no backslash and no control character
  body="{\"ref\":\"$ref\",\"old\":\"$2\",\"new\":\"$3\",\"forced\":$forced"
  body="$body,\"repository\":\"$repository\"}"
  # In a session of its own where there is setsid: whatever ends git's does not end the sending.
  if command -v setsid >/dev/null; then
    setsid sh -c '"$@" </dev/null >/dev/null 2>&1 &' sh sh "$0" --send "$log_file" "$body"
  else
    (trap '' HUP; send "$body") </dev/null >/dev/null 2>&1 &
  fi
}

# The branch that is checked out has moved: its value before is in its reflog.
notify_current_branch() {
  ref=$(git symbolic-ref -q HEAD) || return 0 # in the middle of a rebase
  new=$(git rev-parse -q --verify "$ref^{commit}") || return 0
  old=$(git rev-parse -q --verify "$ref@{1}" 2>/dev/null) || old=
  [ -n "$old" ] || old=$(printf '%s' "$new" | tr 0-9a-f 0)
  notify "$ref" "$old" "$new"
}

case $1 in
  --install) install_hooks "$2"; exit ;;
  --send) log_file=$2; send "$3"; exit ;;
esac

status=0
input=
hook=${0##*/}
case $hook in
  post-receive | post-rewrite) input=$(cat) ;;
esac
if [ -x "$0.before-rolesync" ]; then
  if [ -n "$input" ]; then
    printf '%s\n' "$input" | "$0.before-rolesync" "$@"
  else
    "$0.before-rolesync" "$@" </dev/null
  fi
  status=$?
fi

log_file=$(git rev-parse --absolute-git-dir)/rolesync-hook.log
if [ "$hook" = post-receive ]; then
  while read -r old new ref; do
    case $ref in refs/heads/*) notify "$ref" "$old" "$new" ;; esac
  done <<LINES
$input
LINES
else
  notify_current_branch
fi
exit $status
