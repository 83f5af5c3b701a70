// SPDX-License-Identifier: Apache-2.0
// See scripts.h. Lua counts from 1: byte 40 of the layout is 41 here.
#include "adapters/redis/scripts.h"

namespace holdfast::inline v0_5::redis {
namespace {

#define HOLDFAST_REDIS_FOUND "{r,redis.call('TIME'),redis.call('PEXPIRETIME',KEYS[1])}"

#define HOLDFAST_REDIS_GUARD                                                                    \
  "local r=redis.call('GET',KEYS[1])\n"                                                         \
  "if not r or r:sub(1,2)~='\\1\\1' or r:sub(41,48)~=ARGV[1] then return " HOLDFAST_REDIS_FOUND \
  " end\n"

// The row first: what fails on the way (another kind of value there, a command the user may not run) then leaves the
// record as it was.
#define HOLDFAST_REDIS_SWAP                                           \
  "if redis.call('GETRANGE',KEYS[1],0,127)~=ARGV[1] then\n"           \
  "  local r=redis.call('GET',KEYS[1])\n"                             \
  "  return " HOLDFAST_REDIS_FOUND                                    \
  "\nend\n"                                                           \
  "if KEYS[2] then\n"                                                 \
  "  redis.call('LPUSH',KEYS[2],ARGV[4])\n"                           \
  "  redis.call('LTRIM',KEYS[2],0,ARGV[5])\n"                         \
  "  redis.call('PEXPIRE',KEYS[2],ARGV[6])\n"                         \
  "end\n"                                                             \
  "if ARGV[3]=='' then redis.call('SET',KEYS[1],ARGV[2],'KEEPTTL')\n" \
  "else redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) end\n"         \
  "return redis.status_reply('OK')"

constexpr std::string_view kSources[kScripts] = {
    "#!lua flags=no-writes\n"
    "local r=redis.call('GET',KEYS[1])\n"
    "return " HOLDFAST_REDIS_FOUND,

    "#!lua flags=allow-oom\n" HOLDFAST_REDIS_GUARD
    "local now=ARGV[2]\n"
    "if now=='' then local t=redis.call('TIME') now=t[1]*1000000+t[2] end\n"
    "local function at(a,i)\n"
    "  if a=='' then return r:sub(i,i+7) end\n"
    "  if a=='0' then return '\\0\\0\\0\\0\\0\\0\\0\\0' end\n"
    "  return struct.pack('<I8',now+a)\n"
    "end\n"
    "local head=ARGV[3]\n"
    "if ARGV[4]=='1' then head=r:sub(1,8) end\n"
    "head=head..at(ARGV[5],9)..at(ARGV[6],17)..at(ARGV[7],25)..at(ARGV[8],33)\n"
    "local body=ARGV[10]\n"
    "local n\n"
    "if body then\n"
    "  local checkpoints,_,_,label=struct.unpack('<I4BBI2',r,53)\n"
    "  head=head..r:sub(41,52)..struct.pack('<I4',checkpoints+1)..r:sub(57,128)\n"
    "  n=head..r:sub(129,128+label)..body\n"
    "else\n"
    "  head=head..r:sub(41,128)\n"
    "  n=head..r:sub(129)\n"
    "end\n"
    "if ARGV[9]=='' then redis.call('SET',KEYS[1],n,'KEEPTTL')\n"
    "else redis.call('SET',KEYS[1],n,'PX',ARGV[9]) end\n"
    "return head",

    "#!lua flags=allow-oom\n" HOLDFAST_REDIS_GUARD
    "local t=redis.call('TIME')\n"
    "local now=t[1]*1000000+t[2]\n"
    "local label=r:byte(59)+r:byte(60)*256\n"
    "local n=ARGV[2]..struct.pack('<I8I8',now+ARGV[3],now)..r:sub(33,128+label)\n"
    "redis.call('SET',KEYS[1],n..ARGV[5],'PX',ARGV[4])\n"
    "return n",

    "#!lua flags=allow-oom\n" HOLDFAST_REDIS_GUARD
    "redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3])\n"
    "return redis.status_reply('OK')",

    "#!lua flags=allow-oom\n" HOLDFAST_REDIS_SWAP,

    "#!lua\n" HOLDFAST_REDIS_SWAP,

    "#!lua flags=no-writes\n"
    "return {redis.call('GETRANGE',KEYS[1],0,ARGV[1]-1),redis.call('STRLEN',KEYS[1]),"
    "redis.call('PEXPIRETIME',KEYS[1])}",
};

}  // namespace

std::string_view SourceOf(Script script) { return kSources[static_cast<size_t>(script)]; }

}  // namespace holdfast::inline v0_5::redis
