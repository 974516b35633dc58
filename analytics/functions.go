package analytics

import "strings"

// allowedFunction tells whether a query may use a function: pure ones that read nothing but their arguments. Functions
// that reach dictionaries, files, settings, the session, other tables, or that throw or sleep, are not listed.
func allowedFunction(name string) bool {
	if plainFunctions[name] || aggregates[name] {
		return true
	}
	for _, suffix := range []string{"if", "distinct", "ornull", "ordefault", "array"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && (aggregates[base] || base != name && allowedAggregate(base)) {
			return true
		}
	}
	return false
}

// allowedAggregate allows one more combinator, e.g. sumIfOrNull.
func allowedAggregate(name string) bool {
	for _, suffix := range []string{"if", "distinct", "array"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && aggregates[base] {
			return true
		}
	}
	return false
}

var plainFunctions = wordSet(`
	and or xor not equals notequals less greater lessorequals greaterorequals plus minus multiply divide intdiv intdivorzero
	modulo mod modulo moduloornull positivemodulo negate abs sign gcd lcm isnotdistinctfrom isdistinctfrom
	in notin nullin notnullin globalin globalnotin like notlike ilike notilike match between exists
	if multiif casewithexpression casewithoutexpression casewithexpr casewithoutexpr ifnull nullif coalesce isnull isnotnull
	assumenotnull tonullable iszeroornull ifnotfinite isfinite isinfinite isnan greatest least clamp
	cast _cast tobool todate todate32 todatetime todatetime64 tostring tofixedstring touuid
	toint8 toint16 toint32 toint64 touint8 touint16 touint32 touint64 tofloat32 tofloat64 todecimal32 todecimal64 todecimal128
	toint8ornull toint16ornull toint32ornull toint64ornull touint8ornull touint16ornull touint32ornull touint64ornull
	tofloat32ornull tofloat64ornull toint8orzero toint16orzero toint32orzero toint64orzero tofloat64orzero tofloat32orzero
	todateornull todatetimeornull todatetime64ornull touint8orzero touint16orzero touint32orzero touint64orzero
	accuratecastornull accuratecast parsedatetimebesteffort parsedatetimebesteffortornull parsedatetime64besteffort
	parsedatetime64besteffortornull totypename tolowcardinality date timestamp
	round floor ceil ceiling trunc truncate roundbankers exp exp2 exp10 ln log log2 log10 log1p sqrt cbrt pow power
	sin cos tan asin acos atan atan2 sinh cosh tanh degrees radians hypot pi e erf factorial widthbucket width_bucket bar
	empty notempty length lengthutf8 char_length character_length cardinality lower upper lcase ucase lowerutf8 upperutf8
	initcap initcaputf8 reverse reverseutf8 concat concatwithseparator concat_ws substring substr mid substringutf8
	substringindex substringindexutf8 position locate instr positioncaseinsensitive positionutf8 positioncaseinsensitiveutf8
	startswith endswith startswithutf8 endswithutf8 left right leftutf8 rightutf8 leftpad rightpad lpad rpad leftpadutf8
	rightpadutf8 trim trimleft trimright trimboth ltrim rtrim replace replaceone replaceall replaceregexpone
	replaceregexpall regexp_replace extract extractall extractgroups extractallgroups splitbychar splitbystring
	splitbywhitespace splitbynonalpha alphatokens arraystringconcat tokens ngrams countsubstrings
	countsubstringscaseinsensitive countmatches hastoken hastokencaseinsensitive multisearchany multisearchanyutf8
	multisearchanycaseinsensitive multimatchany space ascii char hex unhex bin base64encode base64decode
	normalizeutf8nfc normalizeutf8nfkc editdistance editdistanceutf8 levenshteindistance jarowinklersimilarity
	ngramdistance ngramdistanceutf8 format isvalidutf8 leftutf8 soundex
	toyear toquarter tomonth toweek toisoweek toisoyear todayofyear todayofmonth todayofweek tohour tominute tosecond
	tomillisecond year quarter month week day dayofmonth dayofweek dayofyear hour minute second toyyyymm toyyyymmdd
	toyyyymmddhhmmss toyearweek yearweek tomonday tostartofyear tostartofisoyear tostartofquarter tostartofmonth
	tostartofweek tostartofday tostartofhour tostartofminute tostartofsecond tostartoffiveminutes tostartoftenminutes
	tostartoffifteenminutes tostartofinterval tolastdayofmonth tolastdayofweek last_day totime tounixtimestamp
	tounixtimestamp64milli fromunixtimestamp fromunixtimestamp64milli now now64 today yesterday curdate current_date
	current_timestamp adddate subdate date_add date_sub dateadd datesub timestamp_add timestamp_sub timestampadd timestampsub
	addyears addquarters addmonths addweeks adddays addhours addminutes addseconds subtractyears subtractquarters
	subtractmonths subtractweeks subtractdays subtracthours subtractminutes subtractseconds addinterval subtractinterval
	tointervalyear tointervalquarter tointervalmonth tointervalweek tointervalday tointervalhour tointervalminute
	tointervalsecond tointervalmillisecond datediff date_diff timestamp_diff timestampdiff datetrunc date_trunc
	formatdatetime date_format datename monthname age totimezone timeslot timeslots makedate makedatetime interval
	array range arrayelement arrayelementornull has hasall hasany indexof arraycount arrayexists arrayall arraymap
	arrayfilter arrayfirst arraylast arrayfirstindex arraylastindex arraysum arrayavg arraymin arraymax arrayproduct
	arraycumsum arraydifference arraydistinct arrayuniq arrayconcat arrayslice arraysort arrayreversesort arrayreverse
	arrayflatten arraycompact arrayenumerate arrayenumerateuniq arrayzip arrayjoin arraypushback arraypushfront
	arraypopback arraypopfront arrayresize arrayintersect arrayunion emptyarraystring emptyarrayuint64 arraywithconstant
	tuple tupleelement untuple map mapkeys mapvalues mapcontains mapcontainskey mapfromarrays mapfilter mapapply
	cityhash64 siphash64 siphash128 xxhash64 farmhash64 murmurhash3_64 md5 sha1 sha256 inthash32 inthash64
	bitand bitor bitxor bitnot bitshiftleft bitshiftright bittest bitcount
	greatcircledistance geodistance pointinpolygon geohashencode geohashdecode
	jsonextract jsonextractstring jsonextractint jsonextractuint jsonextractfloat jsonextractbool jsonhas jsonlength
	jsonextractraw jsonextractkeys isvalidjson formatreadablequantity formatreadablesize formatreadabletimedelta
	transform materialize identity grouping tumble tumblestart tumbleend all any some null distinct values
	row_number rank dense_rank percent_rank cume_dist ntile lag lead lagindframe leadindframe nth_value first_value last_value`)

var aggregates = wordSet(`
	count countdistinct min max sum avg any anylast anyheavy argmin argmax uniq uniqexact uniqcombined uniqcombined64 uniqhll12
	quantile quantileexact quantiles quantilesexact quantiletdigest quantiletiming quantileexactweighted median medianexact
	stddevpop stddevsamp varpop varsamp stddev_pop stddev_samp var_pop var_samp variance stddev covarpop covarsamp corr
	covar_pop covar_samp skewpop skewsamp kurtpop kurtsamp entropy sumkahan sumwithoverflow avgweighted
	grouparray grouparraysorted groupuniqarray grouparrayinsertat grouparraymovingavg grouparraymovingsum groupbitand
	groupbitor groupbitxor groupconcat string_agg array_agg topk topkweighted approx_top_k
	simplelinearregression deltasum boundingratio first_value last_value any_value retention windowfunnel
	histogram exponentialmovingavg exponentialtimedecayedavg summap minmap maxmap sparkbar
	rank dense_rank row_number ntile lag lead percent_rank cume_dist nth_value lagindframe leadindframe`)
